// SPDX-License-Identifier: Apache-2.0
// What happens to a stack besides edits: drift, a protected destroy, a second stack beside it, secrets, an upgrade of the package. (For interruptions see
// tests/destroy/cutoff.test.ts.)
import { expect } from "chai";
import { readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import type { Run } from "../stack";
import { type EngineWorld, REGION } from "../world";
import { filled, keepState, keptStates, type Place, readState, stripped } from "./fixture";
import { steps } from "./plans";
import { DIST, Edited } from "./project";
import { useGolden } from "./shared";

const real = (run: Run): string[] => steps(run).filter((s) => !s.includes(" gke-persistent-ip:index:"));

describe("life of the golden stack", function () {
  this.timeout(180_000);
  const stack = useGolden();

  it("drift by hand is found by a refresh, shown by the next preview as what it repairs, and repaired", async () => {
    const { compute, edited, preview, world, deploy } = stack();
    await deploy((a) => (a.labels = { team: "edge" }));
    const url = `regions/${REGION}/addresses/edge-web`;
    const { labelFingerprint } = (await (await compute("GET", url)).json()) as { labelFingerprint: string };
    await compute("POST", `${url}/setLabels`, {
      labelFingerprint,
      labels: { team: "by-hand", "goog-pulumi-provisioned": "true" },
    });
    const gateway = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways/edge-external";
    await world.admin.request("PATCH", gateway, { body: { metadata: { annotations: { note: "by hand" } } } });
    const refresh = await edited.of.refresh();
    expect(real(refresh), refresh.text).to.deep.equal(["update gcp:compute/address:Address edge-web [labels]"]);
    const planned = await preview((a) => (a.labels = { team: "edge" }));
    expect(real(planned)).to.deep.equal(["update gcp:compute/address:Address edge-web [labels]"]);
    await deploy();
    const after = await preview(() => undefined);
    expect(after.ops, after.text).to.deep.equal([]);
  });

  it("a destroy is refused while protected, and nothing is touched", async () => {
    const { edited, world } = stack();
    const before = world.emulator.log.length;
    const run = await edited.of.run(["destroy", "--preview-only"]);
    expect(run.code).to.not.equal(0);
    expect(run.errors.join("\n")).to.match(/cannot be deleted\s+because it is protected/);
    const writes = world.emulator.log.slice(before).filter((e) => e.method !== "GET");
    expect(writes).to.deep.equal([]);
  });

  it("a second stack takes cluster and Gateway from the first by a StackReference; an edit of the first plans nothing for it", async () => {
    const { edited, world, deploy } = stack();
    const project = path.basename(edited.of.folder).toLowerCase();
    const program = `"use strict";
const pulumi = require("@pulumi/pulumi");
const { Provider } = require("@pulumi/kubernetes/provider");
const kit = require(${JSON.stringify(DIST)});
const platform = new pulumi.StackReference("organization/${project}/golden");
const provider = new Provider("app", { kubeconfig: platform.requireOutput("kubeconfig"), clusterIdentifier: "edge" });
new kit.PodIpRoute("app", { gateway: { name: "edge-external" }, addresses: [platform.requireOutput("addresses").apply((a) => a.more)],
  podSelector: { matchLabels: { app: "app" } }, network: "blue", waitForAccepted: false }, { providers: { kubernetes: provider } });`;
    const more = (a: { addresses: object }): void => void Object.assign(a.addresses, { more: {} });
    await deploy((a) => (more(a), (a.unlocked = ["addresses.more"])));
    const app = await world.stack({ name: "app", program, entry: "index.js" });
    const first = await app.preview();
    const own = steps(first).filter((s) => !s.includes("pulumi:providers:pulumi "));
    expect(own, first.text).to.deep.equal([
      "create gke-persistent-ip:index:PodIpRoute app",
      "create kubernetes:networking.gke.io/v1:GKEIPRoute app",
      "create pulumi:providers:kubernetes app",
    ]);
    expect((await app.up()).code).to.equal(0);
    await deploy((a) => (more(a), (a.unlocked = ["addresses.more"]), (a.labels = { team: "edge" })));
    const second = await app.preview();
    expect(second.ops, second.text).to.deep.equal([]);
    expect((await app.destroy()).code).to.equal(0);
    await deploy();
  });

  it("an adopted cluster cannot become another one by an edit of its name: everything in it would go", async () => {
    const { edited, world } = stack();
    const kubeconfig = JSON.stringify((await edited.of.outputs())["kubeconfig"]);
    const program = `"use strict";
const kit = require(${JSON.stringify(DIST)});
const existing = { name: process.env.NAME || "edge", location: "${REGION}", kubeconfig: ${kubeconfig} };
new kit.PersistentPodIps("adopt", { project: "${world.emulator.project}", region: "${REGION}", cluster: { existing },
  controller: { kind: "GkeManaged", waitForCrds: false }, networks: { blue: { existingObject: true } }, addresses: { own: { literal: "203.0.113.9" } },
  routes: { own: { addresses: ["own"], podSelector: { matchLabels: { app: "own" } }, waitForAccepted: false } } });`;
    const adopt = await world.stack({ name: "adopt", program, entry: "index.js" });
    const first = await adopt.up();
    expect(first.code, first.text).to.equal(0);
    const other = await adopt.preview({ NAME: "other" });
    expect(other.errors.join("\n"), other.text).to.match(
      /cluster\.existing\.name: is "edge" and cannot become "other".*\[Immutable\]/,
    );
    expect((await adopt.destroy()).code).to.equal(0);
  });

  it("another value than the one Google chose is refused where addresses are given back", async () => {
    const { preview, deploy } = stack();
    await deploy((a) => (a.onDestroy = "Delete"));
    const run = await preview((a) => ((a.onDestroy = "Delete"), (a.addresses["web"]!.address = "203.0.113.77")));
    expect(run.errors.join("\n"), run.text).to.match(/addresses\.web\.address: is "[\d.]+" and cannot become "203\.0\.113\.77"/);
    await deploy();
  });

  it("a secret of the caller is nowhere in the state in plain text", async () => {
    const { world } = stack();
    const kubeconfig = JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "x",
      contexts: [{ name: "x", context: { cluster: "x", user: "x" } }],
      clusters: [
        {
          name: "x",
          cluster: { server: world.api.server, "certificate-authority-data": Buffer.from(world.api.caPem).toString("base64") },
        },
      ],
      users: [{ name: "x", user: { token: world.api.adminToken } }],
    });
    const program = `"use strict";
const pulumi = require("@pulumi/pulumi");
const kit = require(${JSON.stringify(DIST)});
const c = new kit.MultiNetworkCluster("secretive", { project: "${world.emulator.project}", region: "${REGION}",
  existing: { name: "edge", location: "${REGION}", kubeconfig: pulumi.secret(${JSON.stringify(kubeconfig)}) } });
new kit.PodIpRoute("secretive", { gateway: { name: "edge-external" }, addresses: ["34.9.9.9"], podSelector: { matchLabels: { app: "none" } },
  network: "blue", waitForAccepted: false }, { providers: { kubernetes: c.provider } });
exports.kubeconfig = c.kubeconfig;`;
    const secretive = await world.stack({ name: "secretive", program, entry: "index.js" });
    const up = await secretive.up();
    expect(up.code, up.text).to.equal(0);
    expect(up.text).to.not.contain(world.api.adminToken);
    expect(secretive.stateText()).to.contain("ciphertext").and.not.contain(world.api.adminToken);
    expect((await secretive.destroy()).code).to.equal(0);
  });

  const placeOf = (project: string, { api }: EngineWorld): Place => ({
    project: project.toLowerCase(),
    server: new URL(api.server).host,
    ca: Buffer.from(api.caPem).toString("base64"),
  });

  it("its state can be kept for the next release: with nothing in it of this machine, and no secret", async () => {
    const { edited, world, deploy } = stack();
    await deploy();
    const place = placeOf(path.basename(edited.of.folder), world);
    const file = path.join(edited.of.folder, "export.json");
    expect((await edited.of.run(["stack", "export", "--show-secrets", "--file", file])).code).to.equal(0);
    const kept = stripped(readFileSync(file, "utf8"), place);
    for (const word of [...Object.values(place), world.api.adminToken, "127.0.0.1", edited.of.folder])
      expect(kept.includes(word), word).to.equal(false);
    for (const [, secret] of kept.matchAll(/"plaintext":"((?:[^"\\]|\\.)*)"/g))
      expect(secret).to.contain("goog-pulumi-provisioned");
    // scripts/state-fixture.ts; see docs/upgrade.md.
    if (process.env.KEEP_STATE) keepState(process.env.KEEP_STATE, kept);
  });

  for (const release of keptStates())
    it(`an upgrade from ${release} replaces nothing but the controller's program, and deletes nothing: its state, and this program`, async () => {
      const { world } = stack();
      const upgraded = await Edited.create(world, "golden");
      const file = path.join(upgraded.of.folder, "state.json");
      writeFileSync(file, filled(readState(release), placeOf(path.basename(upgraded.of.folder), world)));
      const imported = await upgraded.of.run(["stack", "import", "--file", file]);
      expect(imported.code, imported.text).to.equal(0);
      upgraded.tell(upgraded.told(() => undefined));
      const run = await upgraded.of.preview();
      expect(run.code, run.text).to.equal(0);
      // Rights, definitions and the order of a list may have changed since; nothing that holds an address, a Pod or a network has.
      const program = "replace kubernetes:core/v1:ConfigMap edge-bundle [binaryData, metadata]";
      for (const step of steps(run).filter((s) => s !== program))
        expect(step).to.match(/^update (gke-persistent-ip:|gcp:projects\/iAMCustomRole:|kubernetes:(?!networking\.gke\.io))/);
      if (release !== "0.1.0") return;
      // The component remembers more by now (namespaces, definitions), and Gateways have their addresses in order.
      expect(steps(run)).to.include.members([
        "update gke-persistent-ip:index:PersistentPodIps edge",
        "update kubernetes:gateway.networking.k8s.io/v1:Gateway edge-external [spec]",
      ]);
    });
});
