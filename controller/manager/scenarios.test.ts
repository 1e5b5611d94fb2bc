// SPDX-License-Identifier: Apache-2.0
// Stories that peers of ours got wrong, told of a whole leader in memory: restarts, references that break and heal, a holder out of reach.
import { expect } from "chai";
import type { KubeObject } from "../api";
import { ComputeError } from "../compute";
import { cidr, gatewayOf, networkObject, routeOf } from "../core/testing";
import { ApiError, silentLogger, WorkQueue, type ByteStream, type Method, type RequestOptions } from "../kubernetes";
import { FakeClock } from "../kubernetes/testing";
import { Caches } from "./caches";
import { lead, type LeadingOptions } from "./leading";
import { Metrics } from "./metrics";
import { CLUSTER, nodeRaw, pathOf, podRaw, TestWorld, type Leader } from "./testing-world";
import { podObject } from "./views";

describe("A whole leader in memory", () => {
  let w: TestWorld;
  let l: Leader;
  const begin = async (world: TestWorld): Promise<void> => {
    w = world;
    l = await w.boot();
    await l.run();
  };
  const restart = async (): Promise<void> => {
    await l.stop();
    l = await w.boot();
    await l.run();
  };
  afterEach(() => l.stop());
  const GATEWAY = pathOf("gateway", "allowed-pod-ips");
  const offers = (...values: string[]): void => w.put("gateway", gatewayOf({ spec: { addresses: cidr(...values) } }));

  it("A2 E27: an address taken out of the Gateway while it is in use: the route says InvalidAddresses and which, the rule goes, the reservation stays", async () => {
    await begin(new TestWorld().withRoute());
    expect(w.vmOf()).to.equal("vm-node-1");
    offers("34.123.10.2/32");
    await l.run();
    expect(w.condition("Accepted")).to.include({ status: "False", reason: "InvalidAddresses" });
    expect(w.condition("Accepted")?.message).to.contain("34.123.10.1 is not an address of Gateway default/allowed-pod-ips");
    expect([w.cloud.rules.size, w.binding(), w.cloud.addresses.length]).to.deep.equal([0, undefined, 2]);
    offers("34.123.10.1/32");
    await l.run();
    expect([w.condition("Ready")?.status, w.vmOf()]).to.deep.equal(["True", "vm-node-1"]);
  });

  it("A6: a restart keeps every assignment: nothing is written to the cloud or the cluster, though a later object now sorts first", async () => {
    const world = new TestWorld().withRoute();
    world.put("route", routeOf({ metadata: { name: "a-second" }, spec: { addresses: cidr("34.123.10.2/32") } }));
    await begin(world);
    const before = [w.vmOf(), w.vmOf("34.123.10.2"), w.binding()?.status?.generation];
    const done = w.cloud.done.length;
    w.api.writes();
    for (let i = 0; i < 3; i++) await restart();
    expect([w.vmOf(), w.vmOf("34.123.10.2"), w.binding()?.status?.generation]).to.deep.equal(before);
    expect(w.cloud.done.slice(done)).to.deep.equal([]);
    expect(w.api.writes().map((s) => `${s.method} ${s.path}`)).to.deep.equal([]);
  });

  it("A8 E37: a Gateway deleted while routes use it: GatewayNotFound, the cloud is cleaned, and the route can be deleted at once", async () => {
    await begin(new TestWorld().withRoute());
    w.api.remove(GATEWAY);
    await l.run();
    expect(w.condition("Accepted")).to.include({ status: "False", reason: "GatewayNotFound" });
    expect(w.condition("GCPReady")?.reason).to.equal("CleanupComplete");
    expect([w.cloud.rules.size, w.binding(), w.route()?.metadata.finalizers ?? []]).to.deep.equal([0, undefined, []]);
    w.api.remove(pathOf("route", "my-ip-route"));
    await l.run();
    expect(w.route()).to.equal(undefined);
    expect(w.cloud.addresses.length).to.equal(2);
  });

  it("T4 E46: a reference that breaks at run time and is put right: the reason comes, names the object, and goes; nothing moved meanwhile", async () => {
    await begin(new TestWorld().withRoute());
    const done = w.cloud.done.length;
    const breaks: [reason: string, spoil: () => void, heal: () => void][] = [
      [
        "NetworkNotReady",
        () => w.put("network", networkObject("blue-network", {}, "False")),
        () => w.put("network", networkObject()),
      ],
      ["NetworkNotFound", () => w.api.remove(pathOf("network", "blue-network")), () => w.put("network", networkObject())],
      [
        "GatewayNotAccepted",
        () =>
          w.put(
            "gateway",
            gatewayOf({
              spec: { gatewayClassName: "gke-persistent-regional-external-managed", addresses: [{ type: "x", value: "y" }] },
            }),
          ),
        () => w.put("gateway", gatewayOf()),
      ],
    ];
    for (const [reason, spoil, heal] of breaks) {
      spoil();
      await l.run();
      expect([w.condition("Accepted")?.reason, w.condition("Ready")?.reason]).to.deep.equal([reason, reason]);
      expect(w.condition("Accepted")?.message).to.match(/blue-network|allowed-pod-ips/);
      heal();
      await l.run();
      expect([w.condition("Accepted")?.reason, w.condition("Ready")?.reason], reason).to.deep.equal([
        "Accepted",
        "ProgrammingComplete",
      ]);
    }
    expect(w.cloud.done.slice(done)).to.deep.equal([]);
  });

  it("C2: a quota that is used up is a condition and an Event with Google's words, and heals by itself when there is room", async () => {
    const world = new TestWorld().withRoute();
    const quota = new ComputeError({
      ...{ code: "QuotaExceeded", method: "forwardingRules.insert", reason: "QUOTA_EXCEEDED" },
      message: "Quota 'FORWARDING_RULES' exceeded. Limit: 15.0 in region us-central1.",
    });
    world.cloud.failures.set("forwardingRules.insert", Array<ComputeError>(10).fill(quota));
    await begin(world);
    for (const type of ["GCPReady", "Ready"]) expect(w.condition(type)).to.include({ status: "False", reason: "GCPFailed" });
    expect(w.condition("Ready")?.message).to.contain("Quota 'FORWARDING_RULES' exceeded. Limit: 15.0");
    expect(w.told.filter((t) => t.reason === "GCPFailed").map((t) => [t.type, t.message])).to.deep.equal([
      ["Warning", w.condition("Ready")!.message],
    ]);
    expect(l.requeueOf()).to.be.greaterThan(0);
    w.cloud.failures.clear();
    await l.again();
    expect(w.condition("Ready")?.status).to.equal("True");
  });

  it("S3: readiness alone decides: the condition Ready counts, whatever else a Pod says of serving", async () => {
    const said = (name: string, minute: number, node: string, conditions: [string, string][]): KubeObject =>
      ({
        ...podRaw(name, minute, node),
        status: { phase: "Running", conditions: conditions.map(([type, status]) => ({ type, status })) },
      }) as KubeObject;
    const readyOnly = said("ready-only", 1, "node-1", [
      ["Ready", "True"],
      ["ContainersReady", "False"],
      ["example.com/serving", "False"],
    ]);
    const servingOnly = said("serving-only", 2, "node-2", [
      ["Ready", "False"],
      ["ContainersReady", "True"],
      ["example.com/serving", "True"],
    ]);
    expect([podObject(readyOnly).view.ready, podObject(servingOnly).view.ready]).to.deep.equal([true, false]);
    const world = new TestWorld();
    world.put("route", routeOf());
    world.put("pod", readyOnly);
    world.put("pod", servingOnly);
    await begin(world);
    expect([w.route()?.status?.pods, w.vmOf()]).to.deep.equal([["ready-only"], "vm-node-1"]);
  });

  it("F4: a holder that is out of reach need not let go: the one rule points at one VM at every moment, and only what was read back counts", async () => {
    await begin(new TestWorld().withRoute());
    const seen: string[] = [];
    const look = (): void => void seen.push(`${w.cloud.rules.size} ${w.vmOf()}`);
    w.cloud.fuse = look;
    w.api.fuse = look;
    // The node hangs: nobody there says or undoes anything any more. Its Pod is deleted by force.
    w.put("node", { ...nodeRaw("node-1"), status: { conditions: [{ type: "Ready", status: "Unknown" }] } });
    w.api.remove(pathOf("pod", "pod-1"));
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    let heldAtSwitch: string | undefined = "not switched";
    w.cloud.gate = (method) => {
      if (method === "forwardingRules.setTarget") heldAtSwitch = w.binding()?.status?.holder?.pod;
      return Promise.resolve();
    };
    await l.run();
    expect([...new Set(seen)]).to.deep.equal(["1 vm-node-1", "1 vm-node-2"]);
    expect([w.count("forwardingRules.setTarget"), w.binding()?.status?.holder?.pod]).to.deep.equal([1, "pod-2"]);
    expect(heldAtSwitch, "the journal names the new holder only after the answer").to.equal("pod-1");
  });

  it("F7: a controller that may not see the routes frees nobody's address; it begins when it may", async () => {
    await begin(new TestWorld().withRoute());
    await l.stop();
    const done = w.cloud.done.length;
    let allowed = false;
    const { api } = w;
    const client = Object.assign(Object.create(api) as typeof api, {
      // The first look at the claims is a list.
      request: (method: Method, path: string, o?: RequestOptions): Promise<unknown> =>
        method === "GET" && path.endsWith("/addressbindings")
          ? Promise.resolve(Buffer.from(JSON.stringify({ metadata: { resourceVersion: "1" }, items: api.list(`${path}/`) })))
          : api.request(method, path, o),
      stream: (path: string, o?: RequestOptions): Promise<ByteStream> =>
        !allowed && path.includes("gkeiproutes")
          ? Promise.reject(new ApiError("Forbidden", "may not watch gkeiproutes", { status: 403 }))
          : api.stream(path, o),
    });
    const clock = new FakeClock();
    const caches = new Caches({
      ...{ client, clock, random: () => 0.5, logger: silentLogger, settings: l.parts.settings },
      addressFact: () => undefined,
    });
    caches.start();
    const stopper = new AbortController();
    let begun = false;
    const led = lead({
      ...{
        client,
        caches,
        clock,
        queue: new WorkQueue({ clock }),
        logger: silentLogger,
        metrics: new Metrics(),
        settings: l.parts.settings,
      },
      ...{
        signal: stopper.signal,
        hurry: stopper.signal,
        fence: { check: () => undefined },
        random: () => 0.5,
        compute: { project: "demo", region: "us-central1", auth: "none" },
      },
      ...{
        gkeClasses: "never",
        workers: 1,
        driftIntervalMs: 60_000,
        mayWork: () => true,
        onReady: () => (begun = true),
        events: { event: () => undefined },
        fabric: () => w.cloud,
      },
    } as unknown as LeadingOptions).catch(() => undefined);
    w.api.put("/api/v1/namespaces/kube-system", { metadata: { name: "kube-system", uid: CLUSTER } });
    for (let i = 0; i < 20; i++) await clock.advance(60_000);
    expect([begun, caches.notReady()]).to.deep.equal([false, ["gkeiproutes.networking.gke.io"]]);
    expect([w.cloud.done.slice(done), w.binding()?.status?.phase]).to.deep.equal([[], "Held"]);
    allowed = true;
    for (let i = 0; i < 20 && !begun; i++) await clock.advance(60_000);
    expect([begun, w.cloud.done.slice(done), w.vmOf()]).to.deep.equal([true, [], "vm-node-1"]);
    stopper.abort();
    await caches.stop();
    await clock.advance(1_000);
    void led;
  });
});
