// SPDX-License-Identifier: Apache-2.0
// Names, ids, what a preview may claim, and inputs of objects that somebody else made.
import { expect } from "chai";
import type { CheckInput } from "../provider";
import { UNKNOWN, type Json, type Props } from "../value";
import { importedInputs } from "./imported";
import { settingsOf } from "./kubeconfig";
import { idOf, isPatch, previewed } from "./object";
import { checkObject } from "./objectcheck";
import { immutablePaths } from "./replace";
import { identityFromId } from "./session";

const CONFIG_MAP = "kubernetes:core/v1:ConfigMap";
function check(news: Props, more: Partial<CheckInput> = {}): ReturnType<typeof checkObject> {
  const signal = new AbortController().signal;
  return checkObject(
    { urn: "u", type: CONFIG_MAP, name: "Conf", preview: true, timeout: 0, signal, news, ...more },
    () => "0badcafe",
  );
}
const cm = (metadata: Props): Props => ({ apiVersion: "v1", kind: "ConfigMap", metadata });

describe("check of an object", () => {
  it("names it and marks the name as given by Pulumi", () => {
    const metadata = { name: "conf-0badcafe", annotations: { "pulumi.com/autonamed": "true" } };
    expect(check(cm({})).inputs).to.deep.equal(cm(metadata));
    const again = check(cm({}), { olds: cm({ ...metadata, name: "conf-11111111" }) });
    expect(again.inputs).to.deep.equal(cm({ ...metadata, name: "conf-11111111" }));
  });

  it("leaves a given or unknown name alone", () => {
    for (const metadata of [{ name: "x" }, { name: UNKNOWN }, { generateName: "x-" }] as Props[])
      expect(check(cm(metadata)).inputs).to.deep.equal(cm(metadata));
  });

  it("refuses what cannot be applied, naming what would be right", () => {
    const reason = (r: ReturnType<typeof checkObject>): string => r.failures?.[0]?.reason ?? "";
    expect(reason(check({ kind: "ConfigMap" }))).to.contain("apiVersion is missing");
    expect(reason(check(cm({}), { type: CONFIG_MAP + "Patch" }))).to.equal("a Patch resource must name the object it patches");
    expect(reason(check(cm({}), { type: "kubernetes:helm.sh/v3:Release" }))).to.contain("needs the real kubernetes plugin");
    expect(reason(check({ apiVersion: "v1", kind: "ConfigMapList", items: [] }))).to.contain("register each of its items");
  });
});

describe("identity of an object", () => {
  it("has the real provider's id and is found again by type and id", () => {
    expect([idOf(cm({ name: "a", namespace: "n" })), idOf(cm({ name: "a" }))]).to.deep.equal(["n/a", "a"]);
    expect(identityFromId("kubernetes:apps/v1:Deployment", "n/a")).to.deep.equal({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "a", namespace: "n" },
    });
    expect(identityFromId(CONFIG_MAP + "Patch", "a")).to.deep.equal(cm({ name: "a" }));
  });

  it("tells a patch by type, also of a kind whose own name ends in Patch", () => {
    expect(isPatch({ type: CONFIG_MAP + "Patch", inputs: cm({}) })).to.equal(true);
    expect(isPatch({ type: CONFIG_MAP, inputs: cm({}) })).to.equal(false);
    expect(isPatch({ type: "kubernetes:x/v1:DevicePatch", inputs: { kind: "DevicePatch" } })).to.equal(false);
  });
});

describe("planned outputs", () => {
  it("keep the server's defaults and make unknown what a dry run invents", () => {
    const dry = {
      kind: "Service",
      metadata: { name: "s", uid: "1", managedFields: [] },
      spec: { clusterIP: "10.0.0.1", type: "ClusterIP" },
      status: {},
    };
    const out = previewed(dry, { kind: "Service", spec: {} });
    expect(out.spec).to.deep.equal({ clusterIP: UNKNOWN, type: "ClusterIP" });
    expect(out.metadata).to.deep.include({ name: "s", uid: UNKNOWN });
    expect(out).to.not.have.any.keys("status");
    expect(previewed(dry, { kind: "Service", spec: { clusterIP: "10.0.0.1" } }).spec).to.deep.include({ clusterIP: "10.0.0.1" });
  });
});

describe("immutable parts of objects", () => {
  const paths = (inputs: Props, config: Props = {}): string[] => immutablePaths(inputs, settingsOf(config)).slice(3);

  it("are data of ConfigMap and Secret, unless the provider makes them mutable", () => {
    expect(paths(cm({}))).to.deep.equal(["data", "binaryData"]);
    expect(paths(cm({}), { enableConfigMapMutable: "true" })).to.deep.equal([]);
    const secret = { apiVersion: "v1", kind: "Secret" };
    expect(paths(secret)).to.deep.equal(["type", "data", "stringData"]);
    expect(paths(secret, { enableSecretMutable: true })).to.deep.equal(["type"]);
  });

  it("are the selector of a Deployment and nothing of a custom kind", () => {
    expect(paths({ apiVersion: "apps/v1", kind: "Deployment" })).to.deep.equal(["spec.selector"]);
    expect(paths({ apiVersion: "x.example/v1", kind: "ConfigMap" })).to.deep.equal([]);
  });
});

describe("inputs of an imported object", () => {
  const live: Props = {
    ...cm({ name: "a", namespace: "n", uid: "1", resourceVersion: "2", labels: { mine: "1", other: "2" } }),
    data: { a: "1", b: "2" },
    list: [
      { name: "x", v: 1, w: 2 },
      { name: "y", v: 3 },
    ],
    status: {},
  };
  const fields = {
    "f:metadata": { "f:labels": { "f:mine": {} } },
    "f:data": { "f:a": {} },
    "f:list": { 'k:{"name":"x"}': { ".": {}, "f:name": {}, "f:v": {} } },
  };
  const managed: Json = [
    { manager: "me", operation: "Apply", fieldsV1: fields },
    { manager: "you", operation: "Apply", fieldsV1: { "f:data": { "f:b": {} } } },
  ];

  it("are what our manager applied", () => {
    const inputs = importedInputs({ ...live, metadata: { ...(live.metadata as Props), managedFields: managed } }, "me");
    expect(inputs).to.deep.equal({
      ...cm({ name: "a", namespace: "n", labels: { mine: "1" } }),
      data: { a: "1" },
      list: [{ name: "x", v: 1 }],
    });
  });

  it("are what kubectl applied last, where we applied nothing", () => {
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": '{"kind":"ConfigMap","data":{"a":"1"}}' };
    expect(importedInputs({ ...live, metadata: { annotations } }, "me")).to.deep.equal({ kind: "ConfigMap", data: { a: "1" } });
  });

  it("are the object without what the server adds, where nobody applied", () => {
    const inputs = importedInputs(live, "me");
    expect(inputs.metadata).to.deep.equal({ name: "a", namespace: "n", labels: { mine: "1", other: "2" } });
    expect(inputs).to.not.have.any.keys("status");
  });
});
