// SPDX-License-Identifier: Apache-2.0
// One pass of Google's node agent (reference api.md 3.1), weak spots included.
import { expect } from "chai";
import { agentPass, type NodeView } from "./agent-rules";
import type { Condition, Network, Route } from "./types";

const ACCEPTED: Condition = { type: "Accepted", status: "True", reason: "Accepted", message: "", observedGeneration: 2 };
const TRUE: Condition = {
  type: "DPV2Ready",
  status: "True",
  reason: "DPV2Ready",
  message: "",
  observedGeneration: 2,
  lastTransitionTime: "then",
};

function route(
  name: string,
  more: { network?: string; pods?: string[]; conditions?: Condition[]; values?: string[] } = {},
): Route {
  const { network = "blue", pods = ["a"], conditions = [ACCEPTED], values = ["34.1.1.1/32"] } = more;
  return {
    metadata: { name, uid: name, namespace: "ns", generation: 2 },
    spec: { network, addresses: values.map((value) => ({ value })) },
    status: { pods, conditions },
  };
}

const NETWORKS: Record<string, Network["spec"]["type"]> = { blue: "L3", dev: "Device" };

function view(routes: Route[], more: Partial<NodeView> = {}): NodeView {
  return {
    routes,
    network: (name) => (NETWORKS[name] ? { metadata: { name, uid: name }, spec: { type: NETWORKS[name] } } : undefined),
    endpoint: (namespace, pod, network) => (pod === "a" ? `10.0.0.1@${network}` : undefined),
    now: "now",
    ...more,
  };
}

const written = (result: ReturnType<typeof agentPass>): string[] =>
  result.writes.map(({ route: { metadata }, conditions }) => {
    const c = conditions.find((condition) => condition.type === "DPV2Ready");
    return `${metadata.name} ${c?.status}/${c?.reason}${c?.message ? `: ${c.message}` : ""}`;
  });

describe("pass of Google's node agent", () => {
  it("programs the addresses of a route whose one Pod is here, and says so at the route's generation", () => {
    const result = agentPass(view([route("r", { values: ["34.1.1.1/32", "34.1.1.2/32"] })]));
    expect([...(result.entries ?? [])]).to.deep.equal([
      ["34.1.1.1/32", "10.0.0.1@blue"],
      ["34.1.1.2/32", "10.0.0.1@blue"],
    ]);
    expect(written(result)).to.deep.equal(["r True/DPV2Ready"]);
    expect(result.writes[0]?.conditions).to.deep.include({ ...TRUE, lastTransitionTime: "now" });
    expect(result.writes[0]?.conditions).to.deep.include(ACCEPTED);
  });

  it("leaves out what is not accepted now, has not exactly one Pod, or lives elsewhere", () => {
    const stale = { ...ACCEPTED, observedGeneration: 1 };
    const routes = [
      route("stale", { conditions: [stale] }),
      route("refused", { conditions: [{ ...ACCEPTED, status: "False" }] }),
      route("none", { pods: [] }),
      route("two", { pods: ["a", "b"] }),
      route("elsewhere", { pods: ["b"] }),
    ];
    const result = agentPass(view(routes));
    expect(result.entries?.size).to.equal(0);
    expect(result.writes).to.deep.equal([]);
  });

  it("writes nothing when the condition is True already, so it stays True across a move", () => {
    expect(agentPass(view([route("r", { conditions: [ACCEPTED, TRUE] })])).writes).to.deep.equal([]);
    expect(written(agentPass(view([route("r", { conditions: [ACCEPTED, { ...TRUE, observedGeneration: 1 }] })])))).to.have.length(
      1,
    );
    expect(written(agentPass(view([route("r", { conditions: [ACCEPTED, { ...TRUE, status: "False" }] })])))).to.have.length(1);
  });

  it("takes the Pod's own address for the default network under either name", () => {
    const result = agentPass(
      view([route("d", { network: "default" }), route("p", { network: "pod-network", values: ["34.1.1.2/32"] })]),
    );
    expect([...(result.entries?.keys() ?? [])]).to.deep.equal(["34.1.1.1/32", "34.1.1.2/32"]);
  });

  it("says True for a Device network wherever the Pod is, and programs nothing", () => {
    const result = agentPass(view([route("r", { network: "dev", pods: ["b"] }), route("none", { network: "dev", pods: [] })]));
    expect(written(result)).to.deep.equal(["r True/DPV2Ready"]);
    expect(result.entries?.size).to.equal(0);
  });

  it("says on a route that its Network is missing and goes on, but gives the pass up when that was said before", () => {
    const lost = route("lost", { network: "gone" });
    const first = agentPass(view([lost, route("r")]));
    expect(written(first)).to.deep.equal([
      'lost False/DPV2NotReady: networks.networking.gke.io "gone" not found',
      "r True/DPV2Ready",
    ]);
    const again = agentPass(view([{ ...lost, status: { ...lost.status, conditions: first.writes[0]!.conditions } }, route("r")]));
    expect(again.writes).to.deep.equal([]);
    expect(again.entries).to.equal(undefined);
    expect(again.error).to.match(/"gone" not found/);
  });

  it("gives the pass up at an address that is no CIDR", () => {
    const result = agentPass(view([route("bad", { values: ["34.1.1.1"] }), route("r")]));
    expect(result.error).to.equal("invalid CIDR address: 34.1.1.1");
    expect(result.entries).to.equal(undefined);
  });

  it("says DPV2NotReady with the map's error and asks for another pass", () => {
    const result = agentPass(view([route("r")], { mapError: () => "map is full" }));
    expect(written(result)).to.deep.equal(["r False/DPV2NotReady: map is full"]);
    expect(result.error).to.equal("map is full");
    expect(result.entries?.size).to.equal(0);
  });
});
