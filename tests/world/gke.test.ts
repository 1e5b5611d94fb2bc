// SPDX-License-Identifier: Apache-2.0
// GKE's own part, played by sandbox/gke, on a real API server and simulated nodes.
import { expect } from "chai";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "../../controller/kubernetes/transport";
import { startGke, tableLookup, type Gke, type Subnetwork } from "../../sandbox/gke";
import { simulatedNodes, type NodeRuntime } from "../../sandbox/nodes";
import { eventually, isTrue, nodeSpec, podsIn, startLab, timed, toolsOrSkip, type Lab, type PodView } from "./support";

const ROUTE_CRD = join(__dirname, "../../../shared/data/crds/gkeiproute-v1.crd.json");
const NETWORKING = "/apis/networking.gke.io/v1";
const INTERFACES = JSON.stringify([
  { interfaceName: "eth0", network: "default" },
  { interfaceName: "eth1", network: "blue" },
]);

interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
  observedGeneration?: number;
}
interface Conditioned {
  metadata: {
    name: string;
    generation: number;
    annotations?: Record<string, string>;
    finalizers?: string[];
    resourceVersion: string;
  };
  status?: { conditions?: Condition[]; pods?: string[]; networkName?: string; podCIDRs?: { cidrBlocks: string[] } };
}

describe("GKE's own part", function () {
  this.timeout(60_000);
  let lab: Lab;
  let gke: Gke;
  let nodes: NodeRuntime;
  let client: ApiClient;
  const cloud: Record<string, Subnetwork> = {};

  before(async function () {
    const tools = await toolsOrSkip(this);
    if (!existsSync(ROUTE_CRD)) {
      process.stdout.write("      skipped: no GKEIPRoute CRD of Google's beside the repository (../shared/data/crds)\n");
      this.skip();
    }
    lab = await startLab(tools);
    const { controlPlane, dir, logs } = lab;
    client = controlPlane.admin;
    gke = startGke({ controlPlane, tools, lookup: tableLookup(cloud, "main"), crdDelayMs: 300, extraCrds: [ROUTE_CRD] });
    nodes = simulatedNodes({ controlPlane, tools, dir, logs, listeners: [gke] });
    const nic = (last: number): object => ({
      networks: [{ name: "", vpc: "blue-vpc", subnetwork: "blue-subnet", nic: "nic1", ip: `10.1.0.${last}` }],
    });
    await Promise.all([11, 12].map((last) => nodes.add(nodeSpec(`n${last}`, last, nic(last)))));
    await timed("CRDs served and default Network there", () => gke.ready);
  });

  after(async () => {
    gke?.stop();
    await nodes?.stop();
    await lab?.stop();
  });

  const get = (path: string): Promise<Conditioned> => client.request<Conditioned>("GET", path);
  const condition = async (path: string, type: string): Promise<Condition | undefined> =>
    (await get(path)).status?.conditions?.find((c) => c.type === type);
  const createPod = (name: string, nodeName: string, annotations: Record<string, string> = {}): Promise<unknown> =>
    client.request("POST", "/api/v1/namespaces/default/pods", {
      body: { metadata: { name, annotations }, spec: { nodeName, containers: [{ name: "app", image: "example" }] } },
    });
  const pod = async (name: string): Promise<PodView | undefined> =>
    (await podsIn(client, "default")).find((p) => p.metadata.name === name);
  const routePath = (name: string): string => `${NETWORKING}/namespaces/default/gkeiproutes/${name}`;
  const createRoute = (name: string, network: string, value: string): Promise<unknown> =>
    client.request("POST", `${NETWORKING}/namespaces/default/gkeiproutes`, {
      body: {
        apiVersion: "networking.gke.io/v1",
        kind: "GKEIPRoute",
        metadata: { name },
        spec: { network, addresses: [{ type: "gke.networking.io/cidr", value }], podSelector: { matchLabels: { app: name } } },
      },
    });
  // What a controller says about a route: accepted, and this Pod.
  const choose = async (name: string, pods: string[], dpv2?: object): Promise<unknown> => {
    const { metadata } = await get(routePath(name));
    const base = { message: "", lastTransitionTime: new Date().toISOString(), observedGeneration: metadata.generation };
    const accepted = { ...base, type: "Accepted", status: "True", reason: "Accepted" };
    const conditions = dpv2
      ? [accepted, { ...base, ...dpv2 }]
      : [accepted, ...((await get(routePath(name))).status?.conditions ?? []).filter((c) => c.type !== "Accepted")];
    return client.request("PATCH", `${routePath(name)}/status`, { body: { status: { pods, conditions } } });
  };

  it("makes the default Network, Ready", async () => {
    await eventually(
      "Ready",
      async () => (await condition(`${NETWORKING}/networks/default`, "Ready"))?.reason === "NetworkReady",
    );
  });

  it("says SubnetNotFound and ParamsNotReady until the cloud has the subnetwork, then GNPReady and NetworkReady", async () => {
    await client.request("POST", `${NETWORKING}/gkenetworkparamsets`, {
      body: {
        apiVersion: "networking.gke.io/v1",
        kind: "GKENetworkParamSet",
        metadata: { name: "blue-params" },
        spec: { vpc: "blue-vpc", vpcSubnet: "blue-subnet", podIPv4Ranges: { rangeNames: ["blue-pods"] } },
      },
    });
    await client.request("POST", `${NETWORKING}/networks`, {
      body: {
        apiVersion: "networking.gke.io/v1",
        kind: "Network",
        metadata: { name: "blue" },
        spec: {
          type: "L3",
          provider: "GKE",
          parametersRef: { group: "networking.gke.io", kind: "GKENetworkParamSet", name: "blue-params" },
        },
      },
    });
    const params = `${NETWORKING}/gkenetworkparamsets/blue-params`;
    await eventually("refused", async () => (await condition(params, "Ready"))?.reason === "SubnetNotFound");
    await eventually(
      "not ready",
      async () => (await condition(`${NETWORKING}/networks/blue`, "Ready"))?.reason === "ParamsNotReady",
    );
    cloud["blue-subnet"] = { vpc: "blue-vpc", secondaryRanges: [{ name: "blue-pods", cidr: "172.16.0.0/16" }] };
    await timed("Network Ready after the subnetwork exists", () =>
      eventually("Ready", async () => (await condition(`${NETWORKING}/networks/blue`, "Ready"))?.status === "True"),
    );
    const set = await get(params);
    expect(set.status?.networkName).to.equal("blue");
    expect(set.status?.podCIDRs?.cidrBlocks).to.deep.equal(["172.16.0.0/16"]);
    expect(set.metadata.finalizers).to.deep.equal(["networking.gke.io/gnp-controller"]);
    expect((await condition(`${NETWORKING}/networks/blue`, "ParamsReady"))?.reason).to.equal("GNPParamsReady");
  });

  it("annotates nodes with the NICs of the Networks it can match by VPC and subnetwork", async () => {
    const node = await eventually("annotated", async () => {
      const found = await get("/api/v1/nodes/n11");
      return (found.metadata.annotations?.["networking.gke.io/north-interfaces"] ?? "[]") !== "[]" && found;
    });
    expect(JSON.parse(node.metadata.annotations!["networking.gke.io/north-interfaces"]!)).to.deep.equal([
      { network: "blue", ipAddress: "10.1.0.11" },
    ]);
  });

  it("gives a running Pod that asks for a network an address of its node's range there, and marks the Network in use", async () => {
    await createPod("a", "n11", { "networking.gke.io/interfaces": INTERFACES });
    const ips = await timed("Pod created -> pod-ips", () =>
      eventually("pod-ips", async () => (await pod("a"))?.metadata.annotations?.["networking.gke.io/pod-ips"]),
    );
    expect(JSON.parse(ips)).to.deep.equal([{ networkName: "blue", ip: "172.16.11.2" }]);
    const status = JSON.parse((await pod("a"))!.metadata.annotations!["networking.gke.io/interface-status"]!) as {
      networkName: string;
    }[];
    expect(status.map((s) => s.networkName)).to.deep.equal(["blue"]);
    await eventually(
      "in use",
      async () => (await get(`${NETWORKING}/networks/blue`)).metadata.annotations?.["networking.gke.io/in-use"] === "true",
    );
  });

  it("leaves a route that is not accepted at its current generation alone", async () => {
    await createRoute("web", "blue", "34.123.10.1/32");
    await sleep(300);
    expect((await get(routePath("web"))).status?.conditions).to.equal(undefined);
    expect(gke.datapath("n11").size).to.equal(0);
  });

  it("programs the chosen Pod's node and says DPV2Ready at the route's generation", async () => {
    await choose("web", ["a"]);
    const ready = await timed("status.pods -> DPV2Ready", () =>
      eventually("DPV2Ready", () => condition(routePath("web"), "DPV2Ready")),
    );
    expect(ready).to.include({ status: "True", reason: "DPV2Ready", message: "", observedGeneration: 1 });
    expect([...gke.datapath("n11")]).to.deep.equal([["34.123.10.1/32", "172.16.11.2"]]);
    expect(gke.datapath("n12").size).to.equal(0);
  });

  it("writes nothing on a move while the condition is True already, as GKE's agent does: resetting it is the controller's part", async () => {
    await createPod("b", "n12", { "networking.gke.io/interfaces": INTERFACES });
    await eventually("pod-ips", async () => (await pod("b"))?.metadata.annotations?.["networking.gke.io/pod-ips"]);
    await choose("web", ["b"]);
    await eventually("moved", async () => gke.datapath("n12").has("34.123.10.1/32") && gke.datapath("n11").size === 0);
    const before = (await get(routePath("web"))).metadata.resourceVersion;
    await sleep(400);
    expect((await get(routePath("web"))).metadata.resourceVersion).to.equal(before);
    await choose("web", ["a"], { type: "DPV2Ready", status: "False", reason: "Mutated" });
    await eventually("True again", async () => (await condition(routePath("web"), "DPV2Ready"))?.status === "True");
  });

  it("notices an endpoint that comes after its route, within the agent's 2 s", async () => {
    await createRoute("late", "default", "34.123.10.2/32");
    await choose("late", ["c"]);
    await sleep(300);
    expect(await condition(routePath("late"), "DPV2Ready")).to.equal(undefined);
    await createPod("c", "n11");
    await timed("endpoint -> DPV2Ready", () =>
      eventually("DPV2Ready", async () => (await condition(routePath("late"), "DPV2Ready"))?.status === "True"),
    );
    expect(gke.datapath("n11").get("34.123.10.2/32")).to.equal((await pod("c"))?.status.podIP);
  });

  it("says DPV2NotReady with the map's error, and recovers", async () => {
    gke.setDatapathFault((node, route) => (route.name === "late" ? `${node}: map update failed` : undefined));
    const refused = await eventually("False", async () => {
      const c = await condition(routePath("late"), "DPV2Ready");
      return c?.status === "False" && c;
    });
    expect(refused).to.include({ reason: "DPV2NotReady", message: "n11: map update failed" });
    gke.setDatapathFault(undefined);
    await eventually("True", async () => (await condition(routePath("late"), "DPV2Ready"))?.status === "True");
  });

  it("stays silent on a crashed node and programs again when it is back", async () => {
    await nodes.crash("n11");
    expect(gke.datapath("n11").size).to.equal(0);
    await choose("late", ["c"], { type: "DPV2Ready", status: "False", reason: "Mutated" });
    await sleep(500);
    expect((await condition(routePath("late"), "DPV2Ready"))?.reason).to.equal("Mutated");
    await nodes.restore("n11");
    await eventually("True", async () => (await condition(routePath("late"), "DPV2Ready"))?.reason === "DPV2Ready");
    expect(isTrue((await pod("c"))!, "Ready")).to.equal(true);
  });

  it("sets DPV2Ready at once for a Device network, from whichever agent comes first", async () => {
    await client.request("POST", `${NETWORKING}/networks`, {
      body: {
        apiVersion: "networking.gke.io/v1",
        kind: "Network",
        metadata: { name: "dev" },
        spec: { type: "Device", provider: "GKE" },
      },
    });
    await createRoute("device", "dev", "34.123.10.3/32");
    await choose("device", ["a"]);
    await eventually("True", async () => (await condition(routePath("device"), "DPV2Ready"))?.status === "True");
    expect([...gke.datapath("n11").keys()]).not.to.include("34.123.10.3/32");
  });

  it("stops every route of a node at one whose Network does not exist, after saying so on it", async () => {
    await createRoute("lost", "nowhere", "34.123.10.4/32");
    await choose("lost", ["a"]);
    const said = await eventually("said", async () => {
      const c = await condition(routePath("lost"), "DPV2Ready");
      return c?.status === "False" && c;
    });
    expect(said.message).to.equal('networks.networking.gke.io "nowhere" not found');
    await choose("late", ["c"], { type: "DPV2Ready", status: "False", reason: "Mutated" });
    await sleep(700);
    expect((await condition(routePath("late"), "DPV2Ready"))?.reason).to.equal("Mutated");
    await client.request("DELETE", routePath("lost"));
    await eventually("goes on", async () => (await condition(routePath("late"), "DPV2Ready"))?.status === "True");
  });
});
