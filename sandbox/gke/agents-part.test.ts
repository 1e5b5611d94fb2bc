// SPDX-License-Identifier: Apache-2.0
// The habits of Google's node agent in time: at most one pass in 2 s for new endpoints, everything again after 10 minutes, and a stale True
// that it never takes back. Our controller has to live with all three (E60, reference 3.1).
import { expect } from "chai";
import { mock } from "node:test";
import type { ApiClient } from "../../controller/kubernetes/transport";
import { AgentsPart, ENDPOINT_SPACING_MS, RESYNC_MS } from "./agents-part";
import type { Cache } from "./cache";
import type { Condition, GkePod, Network, Route } from "./types";

const NODE = "node-1";
const pod = (name: string, ip: string, node = NODE): GkePod => ({
  metadata: {
    name,
    namespace: "default",
    uid: name,
    annotations: { "networking.gke.io/pod-ips": JSON.stringify([{ networkName: "blue", ip }]) },
  },
  spec: { nodeName: node },
  status: { phase: "Running", podIP: "10.4.0.2" },
});
const route = (name: string, chosen: string, more: Condition[] = []): Route => ({
  metadata: { name, namespace: "default", uid: name, generation: 1 },
  spec: { network: "blue", addresses: [{ value: `34.123.10.${name.length}/32` }] },
  status: {
    pods: [chosen],
    conditions: [{ type: "Accepted", status: "True", reason: "Accepted", message: "", observedGeneration: 1 }, ...more],
  },
});

describe("Google's node agent, in time", () => {
  const routes = new Map<string, Route>();
  const pods = new Map<string, GkePod>();
  const networks = new Map<string, Network>([["blue", { metadata: { name: "blue", uid: "b" }, spec: { type: "L3" } }]]);
  let writes: string[];
  let agents: AgentsPart;
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  const pass = async (ms: number): Promise<void> => {
    mock.timers.tick(ms);
    await settle();
  };

  beforeEach(async () => {
    mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
    routes.clear();
    pods.clear();
    writes = [];
    const client = {
      request: (_method: string, path: string) => {
        writes.push(path.split("/").at(-2) ?? "");
        return Promise.resolve({});
      },
    } as unknown as ApiClient;
    agents = new AgentsPart({ client, cache: () => ({ routes, pods, networks }) as unknown as Cache, fault: () => undefined });
    agents.up(NODE);
    await pass(0);
  });
  afterEach(() => {
    agents.stop();
    mock.timers.reset();
  });

  const appears = (one: GkePod): void => {
    pods.set(`default/${one.metadata.name}`, one);
    agents.podChanged(one);
  };

  it("looks at new endpoints at most once in 2 s", async () => {
    routes.set("default/a", route("a", "first"));
    routes.set("default/bb", route("bb", "second"));
    agents.routesChanged();
    await pass(0);
    expect(writes, "no endpoint is there yet").to.deep.equal([]);
    appears(pod("first", "10.128.0.2"));
    await pass(0);
    expect(writes).to.deep.equal(["a"]);
    appears(pod("second", "10.128.0.3"));
    await pass(ENDPOINT_SPACING_MS - 200);
    expect(writes, "within 2 s of the last look").to.not.include("bb");
    await pass(200);
    expect(writes).to.include("bb");
  });

  it("misses an endpoint whose Pod it did not know, until everything is looked at again after 10 minutes", async () => {
    routes.set("default/a", route("a", "late"));
    agents.routesChanged();
    await pass(0);
    pods.set("default/late", pod("late", "10.128.0.2")); // no event reaches the agent
    await pass(RESYNC_MS - 1_000);
    expect(writes).to.deep.equal([]);
    await pass(1_000);
    await pass(0);
    expect(writes).to.deep.equal(["a"]);
  });

  it("E60: leaves a True of the Pod before as it is when the address moves to this node; whoever believes it is early", async () => {
    const stale: Condition = { type: "DPV2Ready", status: "True", reason: "DPV2Ready", message: "", observedGeneration: 1 };
    pods.set("default/next", pod("next", "10.128.0.2"));
    routes.set("default/a", route("a", "next", [stale]));
    agents.routesChanged();
    await pass(0);
    expect(writes, "it says nothing").to.deep.equal([]);
    expect([...agents.entries(NODE)], "though it has programmed the entry").to.deep.equal([["34.123.10.1/32", "10.128.0.2"]]);
    const reset: Condition = { ...stale, status: "False", reason: "Mutated" };
    routes.set("default/a", route("a", "next", [reset]));
    agents.routesChanged();
    await pass(0);
    expect(writes, "after a reset it speaks").to.deep.equal(["a"]);
  });

  it("takes away what is no longer wanted in the pass that adds what is: break before make, and no word to the other node (E59)", async () => {
    const seen: ReadonlyMap<string, string>[] = [];
    pods.set("default/here", pod("here", "10.128.0.2"));
    pods.set("default/there", pod("there", "10.128.1.2", "node-2"));
    routes.set("default/a", route("a", "here"));
    agents.routesChanged();
    await pass(0);
    seen.push(agents.entries(NODE));
    routes.set("default/a", route("a", "there"));
    agents.routesChanged();
    await pass(0);
    seen.push(agents.entries(NODE));
    expect(seen.map((map) => map.size)).to.deep.equal([1, 0]);
  });
});
