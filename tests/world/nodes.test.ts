// SPDX-License-Identifier: Apache-2.0
// Simulated nodes: Pods become what their annotations say, and the loss of a node runs its real course.
import { expect } from "chai";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "../../controller/kubernetes/transport";
import { simulatedNodes, STEERING, type NodeRuntime } from "../../sandbox/nodes";
import {
  deployment,
  eventually,
  isTrue,
  nodeSpec,
  podsIn,
  startLab,
  timed,
  toolsOrSkip,
  type Lab,
  type PodView,
} from "./support";

const CONTAINERS = { containers: [{ name: "app", image: "example" }] };

describe("simulated nodes", function () {
  this.timeout(60_000);
  let lab: Lab;
  let nodes: NodeRuntime;
  let client: ApiClient;

  before(async function () {
    const tools = await toolsOrSkip(this);
    lab = await startLab(tools);
    client = lab.controlPlane.admin;
    nodes = simulatedNodes({ controlPlane: lab.controlPlane, tools, dir: lab.dir, logs: lab.logs });
    await timed("3 nodes Ready", () =>
      Promise.all(
        [11, 12, 13].map((last) =>
          nodes.add(nodeSpec(`n${last}`, last, { networks: [{ name: "blue", nic: "nic1", ip: `10.1.0.${last}` }] })),
        ),
      ),
    );
  });

  after(async () => {
    await nodes?.stop();
    await lab?.stop();
  });

  const pod = async (name: string): Promise<PodView | undefined> =>
    (await podsIn(client, "default")).find((p) => p.metadata.name === name);
  const create = (name: string, annotations: Record<string, string>, spec: object = CONTAINERS): Promise<unknown> =>
    client.request("POST", "/api/v1/namespaces/default/pods", { body: { metadata: { name, annotations }, spec } });
  const annotate = (name: string, annotations: Record<string, string | null>): Promise<unknown> =>
    client.request("PATCH", `/api/v1/namespaces/default/pods/${name}`, { body: { metadata: { annotations } } });

  it("look like GKE's: provider id, zone, pool, room for Pods of an additional network", async () => {
    const node = await client.request<NodeView>("GET", "/api/v1/nodes/n11");
    expect(node.spec.providerID).to.equal("gce://sandbox-project/us-central1-a/n11");
    expect(node.metadata.labels).to.include({
      "topology.kubernetes.io/zone": "us-central1-a",
      "topology.kubernetes.io/region": "us-central1",
      "cloud.google.com/gke-nodepool": "default-pool",
    });
    expect(node.status.allocatable).to.include({ "networking.gke.io.networks/blue.IP": "110" });
    expect(node.status.addresses).to.deep.include({ type: "InternalIP", address: "10.128.0.11" });
  });

  it("run a Deployment of 2", async () => {
    await client.request("POST", "/apis/apps/v1/namespaces/default/deployments", { body: deployment("web", 2, CONTAINERS) });
    await timed("Deployment of 2 Ready", () =>
      eventually("2 ready", async () => {
        const web = await client.request<{ status: { readyReplicas?: number } }>(
          "GET",
          "/apis/apps/v1/namespaces/default/deployments/web",
        );
        return web.status.readyReplicas === 2;
      }),
    );
  });

  it(`keep a Pod unready while ${STEERING}/ready is "false", and follow each change`, async () => {
    await create("moody", { [`${STEERING}/ready`]: "false" });
    await eventually(
      "running, unready",
      async () => (await pod("moody"))?.status.phase === "Running" && !isTrue((await pod("moody"))!, "Ready"),
    );
    await annotate("moody", { [`${STEERING}/ready`]: null });
    await eventually("ready", async () => isTrue((await pod("moody"))!, "Ready"));
    await annotate("moody", { [`${STEERING}/ready`]: "false" });
    await eventually("unready", async () => !isTrue((await pod("moody"))!, "Ready"));
  });

  it(`make a Pod Ready only after ${STEERING}/ready-after`, async () => {
    const began = performance.now();
    await create("slow", { [`${STEERING}/ready-after`]: "800ms" });
    await eventually("ready", async () => isTrue((await pod("slow"))!, "Ready"));
    expect(performance.now() - began).to.be.greaterThan(780);
  });

  it(`hold a Pod in ContainerCreating while ${STEERING}/stuck is "true"`, async () => {
    await create("stuck", { [`${STEERING}/stuck`]: "true" });
    const status = await eventually("waiting", async () => (await pod("stuck"))?.status.containerStatuses?.[0]?.state);
    expect(status).to.deep.equal({ waiting: { reason: "ContainerCreating" } });
    expect((await pod("stuck"))?.status)
      .to.include({ phase: "Pending" })
      .and.not.to.have.property("podIP");
    await annotate("stuck", { [`${STEERING}/stuck`]: null });
    await eventually("ready", async () => isTrue((await pod("stuck"))!, "Ready"));
  });

  it("wait for readiness gates as a kubelet does", async () => {
    await create("gated", {}, { ...CONTAINERS, readinessGates: [{ conditionType: "example.com/ok" }] });
    await eventually("running", async () => (await pod("gated"))?.status.phase === "Running");
    expect(isTrue((await pod("gated"))!, "Ready")).to.equal(false);
    await client.request("PATCH", "/api/v1/namespaces/default/pods/gated/status", {
      body: { status: { conditions: [{ type: "example.com/ok", status: "True" }] } },
      contentType: "application/strategic-merge-patch+json",
    });
    await eventually("ready", async () => isTrue((await pod("gated"))!, "Ready"));
  });

  it(`end a Pod slowly by ${STEERING}/terminate-after, and mark it failed by ${STEERING}/phase`, async () => {
    await create("lingering", { [`${STEERING}/terminate-after`]: "700ms" });
    await eventually("ready", async () => isTrue((await pod("lingering"))!, "Ready"));
    const began = performance.now();
    await client.request("DELETE", "/api/v1/namespaces/default/pods/lingering");
    expect((await pod("lingering"))?.metadata.deletionTimestamp).to.be.a("string");
    await eventually("gone", async () => !(await pod("lingering")));
    expect(performance.now() - began).to.be.greaterThan(650);
    await annotate("slow", { [`${STEERING}/phase`]: "Failed" });
    await eventually("failed", async () => (await pod("slow"))?.status.phase === "Failed");
  });

  it("live through a restart of the API server", async () => {
    await lab.controlPlane.restart("kube-apiserver");
    await create("after-restart", {});
    await timed("API server back -> new Pod Ready", () =>
      eventually("ready", async () => isTrue((await pod("after-restart"))!, "Ready")),
    );
    await sleep(5_000); // longer than the node monitor's grace
    const { items } = await client.request<{ items: NodeView[] }>("GET", "/api/v1/nodes");
    expect(items.map((node) => isTrue(node, "Ready"))).to.deep.equal([true, true, true]);
  });

  it("lose a node: NotReady, its Pods are replaced elsewhere and stay Terminating until it is back", async () => {
    const victim = (await podsIn(client, "default")).find((p) => p.metadata.name.startsWith("web"))!;
    const name = victim.spec.nodeName!;
    const node = (): Promise<NodeView> => client.request<NodeView>("GET", `/api/v1/nodes/${name}`);
    const began = performance.now();
    await nodes.crash(name);
    expect(nodes.isUp(name)).to.equal(false);
    await timed("crash -> NotReady", () => eventually("NotReady", async () => !isTrue(await node(), "Ready")));
    await timed("  -> replacement Ready", () =>
      eventually("replacement", async () => {
        const web = (await podsIn(client, "default")).filter((p) => p.metadata.name.startsWith("web") && isTrue(p, "Ready"));
        return web.length === 2 && web.every((p) => p.spec.nodeName !== name);
      }),
    );
    expect(performance.now() - began).to.be.greaterThan(3_000);
    expect((await pod(victim.metadata.name))?.metadata.deletionTimestamp).to.be.a("string");
    await timed("restore -> Ready", () => nodes.restore(name));
    await eventually("old Pod gone", async () => !(await pod(victim.metadata.name)));
  });

  it("are removed with their Pods moved off first", async () => {
    const name = (await podsIn(client, "default")).find((p) => p.metadata.name.startsWith("web"))!.spec.nodeName!;
    await timed("node removed", () => nodes.remove(name));
    const left = await client.request<{ items: NodeView[] }>("GET", "/api/v1/nodes");
    expect(left.items.map((n) => n.metadata.name)).not.to.include(name);
    await eventually("2 elsewhere", async () => {
      const web = (await podsIn(client, "default")).filter((p) => p.metadata.name.startsWith("web") && isTrue(p, "Ready"));
      return web.length === 2 && web.every((p) => p.spec.nodeName !== name);
    });
  });
});

interface NodeView {
  metadata: { name: string; labels: Record<string, string> };
  spec: { providerID: string };
  status: {
    allocatable: Record<string, string>;
    addresses: { type: string; address: string }[];
    conditions?: { type: string; status: string }[];
  };
}
