// SPDX-License-Identifier: Apache-2.0
// Volumes and environment against a table of objects in place of an API server.
import { expect } from "chai";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiError, type ApiClient } from "../../controller/kubernetes/transport";
import { containerEnvironment } from "./pod-environment";
import { downwardField } from "./pod-sources";
import { renewToken, writeVolumes, type VolumeContext } from "./pod-volumes";
import type { Container, Pod } from "./pod-types";

const NS = "/api/v1/namespaces/ns";
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const HOUR_MS = 3_600_000;

function fakeClient(now: () => number): { client: ApiClient; bodies: unknown[] } {
  const bodies: unknown[] = [];
  const objects: Record<string, unknown> = {
    [`${NS}/configmaps/bundle`]: { data: { "a.txt": "A" }, binaryData: { "b.gz": base64("\u0001\u0002") } },
    [`${NS}/configmaps/kube-root-ca.crt`]: { data: { "ca.crt": "CA" } },
    [`${NS}/secrets/keys`]: { data: { key: base64("secret") } },
  };
  let serial = 0;
  const request = (_method: string, path: string, options?: { body?: unknown }): Promise<unknown> => {
    if (path.endsWith("/token")) {
      bodies.push(options?.body);
      return Promise.resolve({
        status: { token: `token-${++serial}`, expirationTimestamp: new Date(now() + HOUR_MS).toISOString() },
      });
    }
    const found = objects[path];
    return found ? Promise.resolve(found) : Promise.reject(new ApiError("NotFound", `${path}: 404`));
  };
  return { client: { request } as unknown as ApiClient, bodies };
}

const POD: Pod = {
  metadata: { name: "p", namespace: "ns", uid: "u-1", labels: { app: "x" }, annotations: { note: "n" } },
  spec: {
    nodeName: "n1",
    serviceAccountName: "sa",
    containers: [],
    volumes: [
      { name: "bundle", configMap: { name: "bundle", items: [{ key: "b.gz", path: "deep/b" }] } },
      { name: "scratch", emptyDir: {} },
      {
        name: "api",
        projected: {
          sources: [
            { serviceAccountToken: { path: "token", expirationSeconds: 3607 } },
            { configMap: { name: "kube-root-ca.crt" } },
            { downwardAPI: { items: [{ path: "namespace", fieldRef: { fieldPath: "metadata.namespace" } }] } },
          ],
        },
      },
    ],
  },
};

describe("volumes and environment of a process Pod", () => {
  let root: string;
  let now = 1_000_000;
  const facts = { podIP: "10.0.0.9", hostIP: "10.1.0.1" };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pod-"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));
  const context = (client: ApiClient, pod = POD): VolumeContext => ({ client, pod, facts, root, now: () => now });

  it("lays out ConfigMap items, binary data and the service account's folder with a token bound to the Pod", async () => {
    const { client, bodies } = fakeClient(() => now);
    const { folders, tokens } = await writeVolumes(context(client));
    const read = (volume: string, file: string): Promise<string> => readFile(join(folders.get(volume)!, file), "utf8");
    expect(await read("bundle", "deep/b")).to.equal("\u0001\u0002");
    expect(await Promise.all(["token", "ca.crt", "namespace"].map((file) => read("api", file)))).to.deep.equal([
      "token-1",
      "CA",
      "ns",
    ]);
    expect(bodies[0])
      .to.have.nested.property("spec.boundObjectRef")
      .that.deep.equals({ apiVersion: "v1", kind: "Pod", name: "p", uid: "u-1" });
    expect(tokens[0]?.renewAt).to.equal(now + 0.8 * HOUR_MS);
    now += HOUR_MS;
    const renewed = await renewToken(context(client), tokens[0]!);
    expect(await read("api", "token")).to.equal("token-2");
    expect(renewed.renewAt).to.equal(now + 0.8 * HOUR_MS);
  });

  it("refuses what is missing or of an unknown kind, by name", async () => {
    const { client } = fakeClient(() => now);
    const fail = (volume: object): Promise<string> =>
      writeVolumes(context(client, { ...POD, spec: { ...POD.spec, volumes: [{ name: "v", ...volume }] } })).then(
        () => "no error",
        (error: Error) => error.message,
      );
    expect(await fail({ configMap: { name: "none" } })).to.equal('configmap "none" not found in namespace ns');
    expect(await fail({ configMap: { name: "none", optional: true } })).to.equal("no error");
    expect(await fail({ configMap: { name: "bundle", items: [{ key: "x", path: "x" }] } })).to.equal(
      "bundle: references non-existent key x",
    );
    expect(await fail({ hostPath: { path: "/" } })).to.equal("volume v: kind hostPath is not one the sandbox can mount");
  });

  it("takes a folder of the node for what it is, only where nodes have folders", async () => {
    const { client } = fakeClient(() => now);
    const pod = { ...POD, spec: { ...POD.spec, volumes: [{ name: "v", hostPath: { path: "/proc/sys/net" } }] } };
    const { folders } = await writeVolumes({ ...context(client, pod), hostPaths: true });
    expect(folders.get("v")).to.equal("/proc/sys/net");
  });

  it("resolves environment in order, from every source", async () => {
    const { client } = fakeClient(() => now);
    const container: Container = {
      name: "main",
      envFrom: [{ prefix: "CM_", configMapRef: { name: "kube-root-ca.crt" } }],
      resources: { limits: { memory: "128Mi", cpu: "500m" } },
      env: [
        { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        { name: "URL", value: "http://$(IP)/$(LATER)" },
        { name: "LATER", value: "x" },
        { name: "SECRET", valueFrom: { secretKeyRef: { name: "keys", key: "key" } } },
        { name: "MAYBE", valueFrom: { secretKeyRef: { name: "keys", key: "none", optional: true } } },
        { name: "MEMORY", valueFrom: { resourceFieldRef: { resource: "limits.memory" } } },
        { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
      ],
    };
    expect(await containerEnvironment(client, POD, container, facts)).to.deep.equal({
      "CM_ca.crt": "CA",
      IP: "10.0.0.9",
      URL: "http://10.0.0.9/$(LATER)",
      LATER: "x",
      SECRET: "secret",
      MEMORY: String(128 * 2 ** 20),
      CPU: "1",
    });
  });

  it("knows the downward API's fields and names one it does not have", () => {
    expect(downwardField(POD, "metadata.labels['app']", facts)).to.equal("x");
    expect(downwardField(POD, "metadata.annotations", facts)).to.equal('note="n"');
    expect(downwardField(POD, "spec.nodeName", facts)).to.equal("n1");
    expect(() => downwardField(POD, "spec.color", facts)).to.throw("fieldRef spec.color: not a field of the downward API");
  });
});
