// SPDX-License-Identifier: Apache-2.0
// Each kind of event wakes exactly whom it concerns, found by index.
import { expect } from "chai";
import type { Gateway, GatewayClass, GKEIPRoute, KubeObject } from "../api";
import { cidr, classOf, gatewayOf, networkObject, parents, paramSetOf, routeOf } from "../core/testing";
import { Store } from "../kubernetes";
import { INDEXERS, type Kinds } from "./caches";
import { nodeRaw, podRaw } from "./testing-world";
import { triggers, type Lookup } from "./triggers";
import { nodeObject, podObject, type NodeObject, type PodObject } from "./views";

type Event<T> = { type: "added" | "modified" | "deleted"; object: T; old?: T; initial: boolean };
const event = <T>(object: T, over: Partial<Event<T>> = {}): Event<T> => ({ type: "added", object, initial: false, ...over });
const changedTo = <T>(old: T, object: T): Event<T> => event(object, { type: "modified", old });

describe("Triggers", () => {
  let stores: Record<string, Store<KubeObject>>;
  let lookups: string[];
  let woken: string[];
  let priorities: Set<string>;
  let on: ReturnType<typeof triggers>;

  const route = (name: string, over: Parameters<typeof routeOf>[0] = {}): GKEIPRoute => {
    const made = routeOf({ ...over, metadata: { ...over.metadata, name } });
    stores.route!.set(made);
    return made;
  };
  const gateway = (name: string, spec: Partial<Gateway["spec"]> = {}): Gateway => {
    const made = gatewayOf({ metadata: { name }, spec });
    stores.gateway!.set(made);
    return made;
  };
  const pod = (name: string, node = "node-1"): PodObject => {
    const made = podObject(podRaw(name, 1, node));
    stores.pod!.set(made);
    return made;
  };
  beforeEach(() => {
    [lookups, woken, priorities] = [[], [], new Set()];
    const kinds = ["route", "gateway", "gatewayClass", "network", "binding", "pod", "node"] as const;
    stores = Object.fromEntries(
      kinds.map((k) => [k, new Store<KubeObject>(INDEXERS[k] as Record<string, (o: KubeObject) => string[]> | undefined)]),
    );
    const caches = {
      all: (kind: string) => {
        lookups.push(`all ${kind}`);
        return stores[kind]!.list();
      },
      byIndex: (kind: string, index: string, value: string) => {
        lookups.push(`${kind} by ${index}`);
        return stores[kind]!.byIndex(index, value);
      },
    } as unknown as Lookup;
    on = triggers(caches, (key, priority) => {
      woken.push(key);
      priorities.add(priority);
    });
  });
  const wakes = (...keys: string[]): void => {
    expect([...new Set(woken)]).to.have.members(keys);
    woken = [];
  };

  it("a Pod wakes the routes of its namespace whose selector matches it, and nobody walks over Pods", () => {
    route("mine");
    route("other", { spec: { podSelector: { matchLabels: { component: "else" } } } });
    route("elsewhere", { metadata: { namespace: "elsewhere" } });
    on.pod(event(pod("p")));
    wakes("route/default/mine");
    expect(new Set(lookups)).to.deep.equal(new Set(["route by selects"]));
    expect([...priorities]).to.deep.equal(["live"]);
  });

  it("a Pod finds its route among a thousand of its namespace by a label, one that asks for no certain label too", () => {
    for (let i = 0; i < 1_000; i++)
      route(`r-${i}`, { spec: { podSelector: { matchLabels: { component: `c-${i}`, tier: "edge" } } } });
    const exists = { matchExpressions: [{ key: "component", operator: "Exists" }] };
    route("any", { spec: { podSelector: exists } });
    const p = pod("p");
    let looked = 0;
    const { route: store } = stores;
    const byIndex = store!.byIndex.bind(store);
    store!.byIndex = (index, value) => {
      const found = byIndex(index, value);
      looked += found.length;
      return found;
    };
    on.pod(event({ ...p, view: { ...p.view, labels: { component: "c-7", tier: "edge", constructor: "x" } } }));
    wakes("route/default/r-7", "route/default/any");
    expect(looked).to.equal(2);
  });

  it("E11: a Pod whose labels change wakes those that matched before and those that match now", () => {
    route("mine");
    route("other", { spec: { podSelector: { matchLabels: { component: "else" } } } });
    const old = pod("p");
    const now = { ...old, view: { ...old.view, labels: { component: "else" } } };
    on.pod(changedTo(old, now));
    wakes("route/default/mine", "route/default/other");
  });

  it("E13: a selector that cannot be read matches nobody", () => {
    route("broken", { spec: { podSelector: { matchExpressions: [{ key: "x", operator: "In" }] } } });
    on.pod(event(pod("p")));
    wakes();
  });

  it("a Pod, Node or Namespace whose view has not changed wakes nobody and looks nothing up", () => {
    route("mine");
    const p = pod("p");
    on.pod(changedTo(p, { ...p, metadata: { ...p.metadata, resourceVersion: "2" } }));
    const n: NodeObject = nodeObject(nodeRaw("node-1"));
    on.node(changedTo(n, { ...n, metadata: { ...n.metadata, resourceVersion: "2" } }));
    const ns = { metadata: { name: "default", labels: { a: "b" } } };
    on.namespace(changedTo<KubeObject>(ns, { metadata: { ...ns.metadata, resourceVersion: "2" } }));
    wakes();
    expect(lookups).to.deep.equal([]);
  });

  it("a Node wakes the routes of the Pods that are on it", () => {
    route("mine");
    pod("here", "node-1");
    pod("there", "node-2");
    on.node(event(nodeObject(nodeRaw("node-1")), { type: "deleted" }));
    wakes("route/default/mine");
    expect(new Set(lookups)).to.deep.equal(new Set(["pod by node", "route by selects"]));
    on.node(event(nodeObject(nodeRaw("node-9"))));
    wakes();
  });

  it("E39: a Namespace whose labels change wakes its routes and their Gateways", () => {
    route("mine");
    route("elsewhere", { metadata: { namespace: "elsewhere" } });
    on.namespace(changedTo<KubeObject>({ metadata: { name: "default" } }, { metadata: { name: "default", labels: { a: "b" } } }));
    wakes("route/default/mine", "gateway/default/allowed-pod-ips");
  });

  it("E23: a route that comes, changes its addresses or goes wakes its rivals for both lists", () => {
    route("rival-1");
    route("rival-2", { spec: { addresses: cidr("34.123.10.2/32") } });
    const old = route("mine");
    on.route(event(old));
    wakes("route/default/mine", "route/default/rival-1", "gateway/default/allowed-pod-ips");
    const now = {
      ...old,
      metadata: { ...old.metadata, generation: 2 },
      spec: { ...old.spec, addresses: cidr("34.123.10.2/32") },
    };
    on.route(changedTo(old, now));
    wakes("route/default/mine", "route/default/rival-1", "route/default/rival-2", "gateway/default/allowed-pod-ips");
    on.route(event(now, { type: "deleted", old: now }));
    expect(woken).to.include("route/default/rival-2");
  });

  it("a route whose status changes wakes itself, and its Gateway only where Accepted changes", () => {
    route("rival");
    const old = route("mine");
    const said = (type: string): GKEIPRoute => ({
      ...old,
      status: { conditions: [{ type, status: "True", reason: "x", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" }] },
    });
    on.route(changedTo(old, said("DPV2Ready")));
    wakes("route/default/mine");
    on.route(changedTo(old, said("Accepted")));
    wakes("route/default/mine", "gateway/default/allowed-pod-ips");
  });

  it("a route that is gone wakes the claims that it leaves", () => {
    const gone = route("mine");
    stores.binding!.set({
      metadata: { name: "b" },
      spec: { address: "34.123.10.9", scope: "External", route: { namespace: "default", name: "mine", uid: gone.metadata.uid } },
    } as KubeObject);
    stores.route!.delete("default/mine");
    on.route(event(gone, { type: "deleted" }));
    wakes("route/default/mine", "binding/b", "gateway/default/allowed-pod-ips");
  });

  it("E24 E27: a Gateway wakes its routes, and the Gateways that list an address of it before or after, with their routes", () => {
    const old = gateway("one", { addresses: cidr("34.1.1.1/32") });
    gateway("two", { addresses: cidr("34.1.1.1/32") });
    gateway("three", { addresses: cidr("34.1.1.3/32") });
    gateway("four", { addresses: cidr("34.1.1.4/32") });
    for (const n of ["one", "two", "three", "four"])
      route(`of-${n}`, { spec: { parentRefs: parents({ name: n, namespace: "default" }) } });
    const now = { ...old, metadata: { ...old.metadata, generation: 2 }, spec: { ...old.spec, addresses: cidr("34.1.1.3/32") } };
    on.gateway(changedTo(old, now));
    wakes(...["one", "two", "three"].flatMap((n) => [`gateway/default/${n}`, `route/default/of-${n}`]));
  });

  it("a Gateway whose status alone changes wakes itself", () => {
    const old = gateway("one");
    route("mine", { spec: { parentRefs: parents({ name: "one" }) } });
    on.gateway(changedTo(old, { ...old, status: { addresses: [] } }));
    wakes("gateway/default/one");
  });

  it("E38: a GatewayClass wakes its Gateways and their routes; one that comes or goes, every route in the background", () => {
    const c: GatewayClass = classOf(gatewayOf().spec.gatewayClassName);
    gateway("mine");
    gateway("other", { gatewayClassName: "else", addresses: [] });
    route("attached", { spec: { parentRefs: parents({ name: "mine" }) } });
    route("apart", { spec: { parentRefs: parents({ name: "other" }), addresses: cidr("34.9.9.9/32") } });
    on.gatewayClass(changedTo(c, c));
    wakes(`class/${c.metadata.name}`, "gateway/default/mine", "route/default/attached");
    on.gatewayClass(event(c, { type: "deleted" }));
    expect(woken).to.include("route/default/apart");
  });

  it("E46: a Network, or its parameter set, wakes the routes on it only", () => {
    route("mine");
    route("other", { spec: { network: "red-network" } });
    stores.network!.set(networkObject());
    on.network(event(networkObject()));
    wakes("route/default/mine");
    on.paramSet(event(paramSetOf()));
    wakes("route/default/mine");
  });

  it("E21: a NetworkInterface wakes the routes of its namespace", () => {
    route("mine");
    route("elsewhere", { metadata: { namespace: "elsewhere" } });
    on.networkInterface(event({ metadata: { name: "nic", namespace: "default" } }));
    wakes("route/default/mine");
  });

  it("a claim wakes its owner; one that is gone, whoever wants the address; a new one, the look for orphans", () => {
    route("mine");
    route("rival");
    const b = {
      metadata: { name: "b" },
      spec: { address: "34.123.10.1", scope: "External", route: { namespace: "default", name: "mine", uid: "u" } },
    } as Kinds["binding"];
    on.binding(event(b));
    wakes("route/default/mine", "binding/b");
    on.binding(changedTo(b, b));
    wakes("route/default/mine");
    on.binding(event(b, { type: "deleted" }));
    wakes("route/default/mine", "route/default/rival");
  });

  it("what is only being listed wakes in the background", () => {
    route("mine");
    on.pod(event(pod("p"), { initial: true }));
    on.gatewayClass(event(classOf("c"), { initial: true }));
    expect([...priorities]).to.deep.equal(["background"]);
    expect(lookups).to.not.include("all route");
  });
});
