// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import type { AddressBinding, GKEIPRoute, KubeObject, LabelSelector } from "../api";
import { routeOf, SETTINGS } from "../core/testing";
import { silentLogger } from "../kubernetes";
import { FakeClock, settle } from "../kubernetes/testing";
import { Caches } from "./caches";
import { MemoryApi } from "./testing-api";
import { pathOf } from "./testing-world";

const NAME = "34-123-10-1";
const PATH = pathOf("binding", NAME);
const bindingOf = (over: { uid?: string; route?: string } = {}): KubeObject =>
  ({
    metadata: { name: NAME, uid: over.uid ?? "b-1" },
    spec: { address: "34.123.10.1", scope: "External", route: { namespace: "default", name: "r", uid: over.route ?? "r-1" } },
  }) as KubeObject;

describe("Caches", () => {
  let api: MemoryApi;
  let clock: FakeClock;
  let caches: Caches;
  beforeEach(async () => {
    api = new MemoryApi();
    clock = new FakeClock();
    const addressFact = (): undefined => undefined;
    caches = new Caches({ client: api, clock, random: () => 0, logger: silentLogger, settings: SETTINGS, addressFact });
    caches.start();
    await settle();
  });
  afterEach(() => caches.stop());
  const changed = (phase: string): AddressBinding => {
    api.change<AddressBinding>(PATH, (b) => ({ ...b, status: { phase: phase as "Held" } }));
    return api.get<AddressBinding>(PATH)!;
  };

  it("are ready when each needed kind was listed, and say how long the quietest watch has been silent", async () => {
    expect(caches.notReady()).to.deep.equal([]);
    await clock.advance(7_000);
    expect(caches.staleness()).to.equal(7_000);
    const cold = new Caches({
      client: api,
      clock,
      random: () => 0,
      logger: silentLogger,
      settings: SETTINGS,
      addressFact: () => undefined,
    });
    expect(cold.notReady()).to.include.members(["gkeiproutes.networking.gke.io", "pods.core", "nodes.core"]);
  });

  it("see a write of ours at once, and let go of it when the watch is as far", async () => {
    const made = api.put(PATH, bindingOf());
    await settle();
    api.lag();
    const mine = changed("Preparing");
    expect(caches.binding(NAME)?.status).to.equal(undefined);
    caches.wrote("binding", mine);
    expect(caches.binding(NAME)?.status?.phase).to.equal("Preparing");
    const theirs = changed("Held");
    expect(Number(theirs.metadata.resourceVersion)).to.be.greaterThan(Number(made.metadata.resourceVersion));
    api.catchUp();
    await settle();
    expect(caches.binding(NAME)?.status?.phase).to.equal("Held");
  });

  it("do not go back to an older state that the watch still has to tell", async () => {
    api.put(PATH, bindingOf());
    await settle();
    api.lag();
    changed("Preparing");
    const mine = changed("Switching");
    caches.wrote("binding", mine);
    const seen: (string | undefined)[] = [];
    caches.listen({ binding: () => void seen.push(caches.binding(NAME)?.status?.phase) } as never);
    api.catchUp();
    await settle();
    expect(seen).to.deep.equal(["Switching", "Switching"]);
  });

  it("ignore an answer that is older than what the watch has told", async () => {
    api.put(PATH, bindingOf());
    const mine = changed("Preparing");
    changed("Held");
    await settle();
    caches.wrote("binding", mine);
    expect(caches.binding(NAME)?.status?.phase).to.equal("Held");
  });

  it("do not see a claim again that we have deleted, whatever the watch has yet to tell", async () => {
    api.put(PATH, bindingOf());
    await settle();
    api.lag();
    const last = changed("Releasing");
    caches.wrote("binding", last);
    api.remove(PATH);
    caches.removed("binding", last);
    const seen: (AddressBinding | undefined)[] = [caches.binding(NAME)];
    caches.listen({ binding: () => void seen.push(caches.binding(NAME)) } as never);
    api.catchUp();
    await settle();
    expect(seen).to.deep.equal([undefined, undefined, undefined]);
    expect(caches.ownedBy("r-1")).to.deep.equal([]);
  });

  it("do not see one again that was made and deleted before the watch told of it", async () => {
    api.lag();
    const made = api.put(PATH, bindingOf());
    caches.wrote("binding", made);
    expect(caches.binding(NAME)).to.not.equal(undefined);
    api.remove(PATH);
    caches.removed("binding", made);
    const seen: unknown[] = [];
    caches.listen({ binding: () => void seen.push(caches.binding(NAME)) } as never);
    api.catchUp();
    await settle();
    expect(seen).to.deep.equal([undefined, undefined]);
  });

  it("an answer that comes after the news of the deletion makes no ghost", async () => {
    api.put(PATH, bindingOf());
    const mine = changed("Held");
    api.remove(PATH);
    await settle();
    caches.wrote("binding", mine);
    expect(caches.binding(NAME)).to.equal(undefined);
    expect((Reflect.get(caches, "overlays") as { binding: Map<string, unknown> }).binding.size, "nothing is kept").to.equal(0);
  });

  it("see an object again that comes back after the watch has told of its end, as from a backup of the API server (F2)", async () => {
    const [claim, route] = [api.put(PATH, bindingOf()), api.put(pathOf("route", "my-ip-route"), routeOf())];
    await settle();
    caches.removed("binding", claim);
    for (const path of [PATH, pathOf("route", "my-ip-route")]) api.remove(path);
    await settle();
    expect([caches.binding(NAME), caches.route("default/my-ip-route")]).to.deep.equal([undefined, undefined]);
    api.put(PATH, claim);
    api.put(pathOf("route", "my-ip-route"), route);
    await settle();
    const back = [caches.binding(NAME), caches.route("default/my-ip-route")].map((o) => o?.metadata.uid);
    expect(back).to.deep.equal([claim.metadata.uid, route.metadata.uid]);
  });
  it("keep the successor of the same name when the deletion of its predecessor is told late", async () => {
    const old = api.put(PATH, bindingOf());
    await settle();
    api.lag();
    api.remove(PATH);
    caches.removed("binding", old);
    const made = api.put(PATH, bindingOf({ uid: "b-2" }));
    caches.wrote("binding", made);
    expect(caches.binding(NAME)?.metadata.uid).to.equal("b-2");
    const seen: (string | undefined)[] = [];
    caches.listen({ binding: () => void seen.push(caches.binding(NAME)?.metadata.uid) } as never);
    api.catchUp();
    await settle();
    expect(seen).to.deep.equal(["b-2", "b-2"]);
  });

  it("find the claims of a route by its owner as last written, not as last seen", async () => {
    api.put(PATH, bindingOf());
    await settle();
    api.lag();
    api.change<AddressBinding>(PATH, (b) => ({ ...b, spec: { ...b.spec, route: { ...b.spec.route, uid: "r-2" } } }));
    caches.wrote("binding", api.get(PATH)!);
    expect(caches.ownedBy("r-1")).to.deep.equal([]);
    expect(caches.ownedBy("r-2").map((b) => b.metadata.name)).to.deep.equal([NAME]);
  });

  it("keep of a route's managed fields only who decides besides us, and of no object the last applied manifest", async () => {
    const managedFields = [{ manager: "gke", subresource: "status", fieldsV1: { "f:status": { "f:pods": {} } } }];
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "{}", kept: "yes" };
    const route = routeOf();
    api.put(pathOf("route", "my-ip-route"), { ...route, metadata: { ...route.metadata, annotations, managedFields } });
    await settle();
    const seen = caches.route("default/my-ip-route")!;
    expect(seen.writers).to.deep.equal({ others: ["gke"], own: false });
    expect(seen.metadata).to.not.have.property("managedFields");
    expect(seen.metadata.annotations).to.deep.equal({ kept: "yes" });
  });

  it("give the core a world that is looked up by index: no walk over all Pods", async () => {
    api.put(pathOf("route", "my-ip-route"), routeOf());
    api.put(pathOf("pod", "p", "default"), { metadata: { name: "p", namespace: "default" }, spec: {}, status: {} });
    api.put(pathOf("pod", "p", "other"), { metadata: { name: "p", namespace: "other" }, spec: {}, status: {} });
    await settle();
    const { world } = caches;
    expect([...world.pods("default")].map((p) => p.namespace)).to.deep.equal(["default"]);
    expect(world.pod?.("nobody")).to.equal(undefined);
    expect(world.routesClaiming("34.123.10.1").map((r: GKEIPRoute) => r.metadata.name)).to.deep.equal(["my-ip-route"]);
    expect(world.routesOf("default/allowed-pod-ips")).to.have.length(1);
    expect(world.settings.alone).to.equal(true);
  });

  it("narrow the Pods of a selector down by the rarest label that it names, and leave none out that it matches", async () => {
    const put = (name: string, labels: Record<string, string>): KubeObject =>
      api.put(pathOf("pod", name), { metadata: { name, namespace: "default", uid: `u-${name}`, labels }, spec: {}, status: {} });
    for (let i = 0; i < 300; i++) put(`p-${i}`, { app: `app-${i % 100}`, tier: "edge", [`only-${i}`]: "" });
    await settle();
    const { world } = caches;
    const asked = (selector: LabelSelector): number => [...world.pods("default", selector)].length;
    expect(asked({ matchLabels: { tier: "edge", app: "app-7" } })).to.equal(3);
    expect(asked({ matchExpressions: [{ key: "app", operator: "In", values: ["app-7"] }] })).to.equal(3);
    expect(asked({ matchExpressions: [{ key: "app", operator: "In", values: ["app-7", "app-8"] }] })).to.equal(300);
    expect(asked({ matchExpressions: [{ key: "app", operator: "DoesNotExist" }] })).to.equal(300);
    expect(asked({ matchLabels: { app: "nobody" } })).to.equal(0);
    expect(world.pod?.("u-p-5")?.name).to.equal("p-5");
    // A Pod that changes its label is found under the new one only.
    api.change<KubeObject>(pathOf("pod", "p-7"), (p) => ({ ...p, metadata: { ...p.metadata, labels: { app: "app-8" } } }));
    await settle();
    expect(asked({ matchLabels: { app: "app-7" } })).to.equal(2);
    expect(asked({ matchLabels: { app: "app-8" } })).to.equal(4);
  });

  it("remember of deleted nodes the latest, each once, and only for as long as that matters (E19)", async () => {
    const path = (i: number): string => pathOf("node", `n-${i}`, "");
    for (let i = 0; i < 3; i++) api.put(path(i), { metadata: { name: `n-${i}`, uid: `u-${i}` }, spec: {}, status: {} });
    await settle();
    api.remove(path(0));
    await settle();
    await clock.advance(400_000);
    api.remove(path(1));
    await settle();
    expect(caches.goneNodes().map((n) => n.name)).to.deep.equal(["n-0", "n-1"]);
    await clock.advance(300_000);
    api.remove(path(2));
    await settle();
    expect(caches.goneNodes().map((n) => n.name)).to.deep.equal(["n-1", "n-2"]);
  });
});
