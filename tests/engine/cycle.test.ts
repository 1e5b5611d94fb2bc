// SPDX-License-Identifier: Apache-2.0
// The whole life of a stack on the real engine: cluster, address, network and objects, from the first preview to destroy.
import { expect } from "chai";
import { cycleProgram } from "./programs";
import { lines, type Stack } from "./stack";
import { REGION, useEngine } from "./world";

const NS = "cycle";
const mutating = ["POST", "PUT", "PATCH", "DELETE"];

describe("life of a stack on the real Pulumi engine", function () {
  this.timeout(180_000);
  const world = useEngine();
  let stack: Stack;

  before(async () => {
    stack = await world().stack({ name: NS, program: cycleProgram(NS) });
  });

  const mutations = (): number => world().emulator.log.filter((e) => mutating.includes(e.method)).length;
  const configMap = "/api/v1/namespaces/cycle/configmaps/settings";

  it("a first preview plans all and touches nothing; the kubernetes provider is not even configured (pulumi.md 3.1)", async () => {
    const run = await stack.preview();
    expect(run.code, run.text).to.equal(0);
    expect(new Set(run.ops.map((op) => op.op))).to.deep.equal(new Set(["create"]));
    expect(run.ops).to.have.length(12);
    expect(mutations()).to.equal(0);
    const rpcs = world()
      .parts.calls.filter((c) => c.provider === "kubernetes")
      .map((c) => c.rpc);
    expect(rpcs).to.not.include.oneOf(["Configure", "Check", "Create"]);
    expect(rpcs).to.include("CheckConfig");
  });

  it("up makes everything and waits until the Deployment is rolled out", async () => {
    const run = await stack.up();
    expect(run.code, run.text).to.equal(0);
    expect(world().cloudNames()).to.have.members(["addresses/cycle-web", "networks/cycle", "subnetworks/cycle"]);
    const deployment = await world().admin.request<{ status: object }>("GET", "/apis/apps/v1/namespaces/cycle/deployments/proxy");
    expect(deployment.status).to.deep.include({ availableReplicas: 2, updatedReplicas: 2 });
    const address = world()
      .emulator.list("addresses")
      .find((a) => a.name === "cycle-web")?.address;
    expect(await stack.outputs()).to.deep.equal({ address, email: `at ${address}`, size: 7 });
    const live = await world().admin.request<{ data: object }>("GET", configMap);
    expect(live.data).to.deep.equal({ level: "info", address });
  });

  it("the default node pool is gone and ours is there", async () => {
    const url = `${world().emulator.url}v1/projects/${world().emulator.project}/locations/${REGION}/clusters/cycle/nodePools`;
    const { nodePools } = (await (await fetch(url)).json()) as { nodePools: { name: string; initialNodeCount: number }[] };
    expect(nodePools.map((p) => [p.name, p.initialNodeCount])).to.deep.equal([["edge", 1]]);
  });

  it("a second preview plans nothing, a refresh finds nothing, and a preview after it still plans nothing (DESIGN 9.5)", async () => {
    const before = mutations();
    for (const run of [
      await stack.preview({}, "--expect-no-changes"),
      await stack.refresh(),
      await stack.preview({}, "--expect-no-changes"),
    ]) {
      expect(run.code, run.text).to.equal(0);
      expect(run.ops).to.deep.equal([]);
    }
    expect(mutations()).to.equal(before);
  });

  it("a secret is nowhere in the state in plain text, nor is the program's source (engine-lab.md 2)", () => {
    const text = stack.stateText();
    expect(text).to.not.contain("correct-horse-battery");
    expect(text).to.not.contain(Buffer.from("correct-horse-battery").toString("base64"));
    expect(text).to.not.contain("data:application/json");
    expect(text).to.contain("ciphertext");
    expect(text.length).to.be.below(150_000);
  });

  it("an edit of labels, channel, size, replicas and image is updates only", async () => {
    const edit = { TEAM: "b", CHANNEL: "RAPID", NODES: "2", REPLICAS: "3", IMAGE: "proxy:2", SIZE: "9" };
    const planned = await stack.preview(edit);
    const expected = [
      "update gcp:compute/address:Address web",
      "update gcp:container/cluster:Cluster cluster",
      "update gcp:container/nodePool:NodePool pool",
      "update kubernetes:apps/v1:Deployment proxy",
      "update kubernetes:cycle.example/v1:Gizmo gizmo",
    ];
    expect(lines(planned), planned.text).to.deep.equal(expected);
    const done = await stack.up(edit);
    expect(done.code, done.text).to.equal(0);
    expect(lines(done)).to.deep.equal(expected);
    expect((await stack.preview(edit, "--expect-no-changes")).code).to.equal(0);
    expect(
      world()
        .emulator.list("addresses")
        .find((a) => a.name === "cycle-web")?.labels,
    ).to.deep.include({ team: "b" });
    expect((await stack.up()).code).to.equal(0); // and back
  });

  it("an edit of the address's description is a replace, and a protected address stops the preview (tpg#17622)", async () => {
    const open = await stack.preview({ DESCRIPTION: "mine" });
    expect(lines(open)).to.include("replace gcp:compute/address:Address web");
    expect((await stack.up({ PROTECT: "1" })).code).to.equal(0);
    const address = (await stack.outputs()).address;
    const blocked = await stack.preview({ PROTECT: "1", DESCRIPTION: "mine" });
    expect(blocked.code).to.not.equal(0);
    expect(blocked.errors.join("\n")).to.match(/unable to replace resource ".*::web"\s+as it is currently marked for protection/);
    expect((await stack.outputs()).address).to.equal(address);
    expect((await stack.up()).code).to.equal(0);
  });

  it("a kubeconfig that is unknown in the plan replaces no object while clusterIdentifier stays, and all of them without it", async () => {
    const kept = await stack.preview({ DATAPATH: "LEGACY_DATAPATH" });
    expect(lines(kept)).to.include("replace gcp:container/cluster:Cluster cluster");
    expect(kept.ops.filter((op) => op.op === "replace" && op.what.startsWith("kubernetes:"))).to.deep.equal([]);
    expect((await stack.up({ NO_IDENTIFIER: "1" })).code).to.equal(0); // dropping it alone replaces nothing
    const lost = await stack.preview({ NO_IDENTIFIER: "1", DATAPATH: "LEGACY_DATAPATH" });
    expect(lost.ops.filter((op) => op.op === "replace" && op.what.startsWith("kubernetes:"))).to.have.length(6);
    const back = await stack.up();
    expect(back.ops.map((op) => op.op)).to.deep.equal(["update"]);
  });

  it("a value out of the schema's bounds and an edit that CEL forbids stop the preview by a server dry run", async () => {
    const small = await stack.preview({ SIZE: "0" });
    expect(small.code).to.not.equal(0);
    expect(small.errors.join("\n")).to.contain("spec.size in body should be greater than or equal to 1");
    const moved = await stack.preview({ GIZMO: "192.0.2.2" });
    expect(moved.code).to.not.equal(0);
    expect(moved.errors.join("\n")).to.contain("address is immutable");
  });

  it("drift by hand shows in refresh, on both sides, and only there", async () => {
    const { admin, emulator } = world();
    await admin.request("PATCH", configMap, { body: { data: { level: "debug", other: "not ours" } } });
    const url = `${emulator.url}compute/v1/projects/${emulator.project}/regions/${REGION}/addresses/cycle-web`;
    const { labelFingerprint } = (await (await fetch(url)).json()) as { labelFingerprint: string };
    const body = JSON.stringify({ labelFingerprint, labels: { team: "by-hand", "goog-pulumi-provisioned": "true" } });
    const headers = { "content-type": "application/json" };
    expect((await fetch(`${url}/setLabels`, { method: "POST", headers, body })).status).to.equal(200);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const run = await stack.refresh();
    expect(lines(run), run.text).to.deep.equal([
      "update gcp:compute/address:Address web",
      "update kubernetes:core/v1:ConfigMap settings",
    ]);
    const repair = await stack.preview();
    expect(lines(repair).filter((l) => /^(update|replace) /.test(l))).to.deep.equal([
      "update gcp:compute/address:Address web",
      "replace kubernetes:core/v1:ConfigMap settings",
    ]);
    const done = await stack.up();
    expect(done.code, done.text).to.equal(0);
    expect((await stack.preview({}, "--expect-no-changes")).code).to.equal(0);
  });

  it("a resource that vanished is made again", async () => {
    await world().admin.request("DELETE", configMap);
    const seen = await stack.refresh();
    expect(lines(seen)).to.deep.equal(["delete kubernetes:core/v1:ConfigMap settings"]);
    const made = await stack.up();
    expect(lines(made)).to.deep.equal(["create kubernetes:core/v1:ConfigMap settings"]);
  });

  it("a cluster under deletionProtection survives destroy, and goes once that is off", async () => {
    const refused = await stack.destroy();
    expect(refused.code).to.not.equal(0);
    expect(refused.errors.join("\n")).to.contain("because deletion_protection is set to true");
    expect((await stack.up({ DELETABLE: "1" })).code).to.equal(0);
    const gone = await stack.destroy();
    expect(gone.code, gone.text).to.equal(0);
    expect(world().cloudNames()).to.deep.equal([]);
    const namespaces = await world().admin.request<{ items: { metadata: { name: string } }[] }>("GET", "/api/v1/namespaces");
    expect(namespaces.items.map((n) => n.metadata.name)).to.not.include("cycle");
  });
});
