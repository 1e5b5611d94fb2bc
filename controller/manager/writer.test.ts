// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import type { AddressBinding, Gateway, GatewayClass, GKEIPRoute } from "../api";
import { CONTROLLER_NAME, FIELD_MANAGER, ROUTE_FINALIZER } from "../api";
import { gatewayOf, routeOf, world } from "../core/testing";
import { gatewayStatus, type RouteStatusWanted } from "../core";
import { ComputeError } from "../compute";
import { isApiError } from "../kubernetes";
import { FakeClock } from "../kubernetes/testing";
import type { Caches } from "./caches";
import { MemoryApi } from "./testing-api";
import { pathOf } from "./testing-world";
import { routeObject } from "./views";
import { Writer } from "./writer";

const ROUTE = pathOf("route", "my-ip-route");
const BINDING = pathOf("binding", "b");
const said = (over: Partial<RouteStatusWanted["conditions"][number]> = {}): RouteStatusWanted => ({
  pods: ["pod-1"],
  conditions: [{ type: "Ready", status: "True", reason: "ProgrammingComplete", message: "", observedGeneration: 1, ...over }],
});

describe("Writer", () => {
  let api: MemoryApi;
  let clock: FakeClock;
  let asked: string[];
  let leading: boolean;
  let wrote: unknown[];
  let writer: Writer;
  beforeEach(() => {
    api = new MemoryApi();
    clock = new FakeClock();
    [asked, wrote, leading] = [[], [], true];
    const note =
      (what: string) =>
      (...args: unknown[]): void =>
        void wrote.push([what, ...args.slice(0, 1)]);
    const caches = { wrote: note("wrote"), removed: note("removed") } as unknown as Caches;
    const fence = {
      check(method: string): void {
        asked.push(method);
        if (!leading) throw new ComputeError({ code: "Fenced", method, message: "fenced" });
      },
    };
    writer = new Writer({ client: api, caches, clock, fence });
  });
  const route = (): GKEIPRoute => api.get<GKEIPRoute>(ROUTE)!;
  const conditions = (): NonNullable<NonNullable<GKEIPRoute["status"]>["conditions"]> => route().status!.conditions!;
  const claim = (): Promise<AddressBinding> =>
    writer.claim("b", {
      address: "34.1.1.1",
      scope: "External",
      vpc: "blue",
      network: "blue-network",
      route: { namespace: "n", name: "r", uid: "u" },
    });

  it("T2: skips a status that says the same, and keeps lastTransitionTime while the status is the same", async () => {
    api.put(ROUTE, routeOf());
    const first = await writer.routeStatus(routeObject(route()), said());
    expect(await writer.routeStatus(first, said())).to.equal(first);
    expect(api.writes()).to.have.length(1);
    const since = conditions()[0]!.lastTransitionTime;
    await clock.advance(60_000);
    await writer.routeStatus(routeObject(route()), said({ message: "more" }));
    expect(conditions()[0]).to.include({ message: "more", lastTransitionTime: since });
    await writer.routeStatus(routeObject(route()), said({ status: "False" }));
    expect(conditions()[0]!.lastTransitionTime).to.not.equal(since);
  });

  it("T7: leaves conditions of others alone", async () => {
    const foreign = { type: "Audited", status: "True", reason: "x", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" };
    api.put(ROUTE, { ...routeOf(), status: { conditions: [foreign] } });
    await writer.routeStatus(routeObject(route()), said());
    expect(conditions().map((c) => c.type)).to.have.members(["Audited", "Ready"]);
  });

  it("E63: sends the version that a status was computed from, as itself, by force: and meets Conflict on another", async () => {
    api.put(ROUTE, routeOf());
    const old = routeObject(route());
    await writer.routeStatus(old, said());
    const [{ body, query }] = api.writes() as [ReturnType<MemoryApi["writes"]>[0]];
    expect((body.metadata as { resourceVersion: string }).resourceVersion).to.equal(old.metadata.resourceVersion);
    expect(query).to.deep.equal({ fieldManager: FIELD_MANAGER, force: true });
    const error = await writer.routeStatus(old, said({ message: "late" })).catch((e: unknown) => e);
    expect(isApiError(error, "Conflict")).to.equal(true);
    expect(wrote).to.have.length(1);
  });

  it("takes the hold of a second writer back with the next status", async () => {
    api.put(ROUTE, routeOf());
    await writer.routeStatus(routeObject(route()), said());
    await writer.secondWriter(routeObject(route()), "somebody");
    expect(conditions().map((c) => c.type)).to.deep.equal(["Ready", "SecondWriter"]);
    expect(route().status?.pods).to.deep.equal(["pod-1"]);
    expect(api.writes()).to.have.length(2);
    await writer.secondWriter(routeObject(route()), "somebody");
    expect(api.writes()).to.deep.equal([]);
    await writer.routeStatus(routeObject(route()), said());
    expect(conditions().map((c) => c.type)).to.deep.equal(["Ready"]);
  });

  it("claims once: the second claimant meets AlreadyExists", async () => {
    await claim();
    const error = await claim().catch((e: unknown) => e);
    expect(isApiError(error, "AlreadyExists")).to.equal(true);
  });

  it("names members that have gone from the journal as null, under the version it was computed from, and skips the same journal", async () => {
    const made = await claim();
    const holder = { pod: "p", podUID: "u", node: "n", zone: "z", instance: "i" };
    const lastMove = { generation: 1, cause: "FirstAssignment", finishedAt: "2026-01-01T00:00:00Z", durations: {} };
    const full = { phase: "Held" as const, holder, next: holder, lastMove: { ...lastMove, from: holder, to: holder } };
    const one = await writer.journal(made, full);
    api.writes();
    const less = { phase: "Unserved" as const, lastMove };
    const two = await writer.journal(one, less);
    const [{ path, body }] = api.writes() as [ReturnType<MemoryApi["writes"]>[0]];
    expect(path).to.equal(`${BINDING}/status`);
    expect(body).to.deep.include({ metadata: { uid: one.metadata.uid, resourceVersion: one.metadata.resourceVersion } });
    expect(body.status).to.include({ holder: null, next: null });
    expect((two.status?.lastMove as object | undefined) ?? {}).to.not.have.property("from");
    expect(two.status).to.not.have.any.keys("holder", "next");
    expect(await writer.journal(two, two.status!)).to.equal(two);
    expect(api.writes()).to.deep.equal([]);
    const error = await writer.journal(one, { phase: "Releasing" }).catch((e: unknown) => e);
    expect(isApiError(error, "Conflict")).to.equal(true);
  });

  it("E34: a claim that goes to a route on the primary network does not keep the VPC of the old one", async () => {
    const made = await claim();
    const next = await writer.transfer(made, { network: "default", route: { namespace: "n", name: "heir", uid: "v" } });
    expect(next.spec).to.deep.equal({
      address: "34.1.1.1",
      scope: "External",
      network: "default",
      route: { namespace: "n", name: "heir", uid: "v" },
    });
  });

  it("E42: releases under uid and version; one that is gone already counts as done", async () => {
    const made = await claim();
    api.writes();
    await writer.release(made);
    const { uid, resourceVersion } = made.metadata;
    expect(api.writes()[0]!.body.preconditions).to.deep.equal({ uid, resourceVersion });
    await writer.release(made);
    expect(wrote.filter((x) => (x as string[])[0] === "removed")).to.have.length(2);
  });

  it("adds its finalizer once and removes it alone", async () => {
    api.put(ROUTE, routeOf({ metadata: { finalizers: ["theirs"] } }));
    const held = await writer.holdRoute(routeObject(route()));
    expect(held.metadata.finalizers).to.deep.equal(["theirs", ROUTE_FINALIZER]);
    expect(await writer.holdRoute(held)).to.equal(held);
    await writer.letRouteGo(held);
    expect(route().metadata.finalizers).to.deep.equal(["theirs"]);
    api.writes();
    await writer.letRouteGo(routeObject(route()));
    expect(api.writes()).to.deep.equal([]);
  });

  it("writes Gateway and GatewayClass status only where it changes", async () => {
    const gateway = gatewayOf();
    api.put(pathOf("gateway", "allowed-pod-ips"), gateway);
    const want = gatewayStatus(world({ gateways: [gateway] }), gateway)!;
    const now = (): Gateway => api.get<Gateway>(pathOf("gateway", "allowed-pod-ips"))!;
    await writer.gatewayStatus(now(), want);
    await writer.gatewayStatus(now(), want);
    const path = pathOf("gatewayClass", "c");
    api.put(path, { metadata: { name: "c" }, spec: { controllerName: CONTROLLER_NAME } });
    for (let i = 0; i < 2; i++) await writer.classStatus(api.get<GatewayClass>(path)!, []);
    expect(api.writes().map((s) => s.path)).to.deep.equal([`${pathOf("gateway", "allowed-pod-ips")}/status`, `${path}/status`]);
  });

  it("F3 E62: asks the fence before every request, and sends nothing without the lease", async () => {
    api.put(ROUTE, routeOf());
    const bare = routeObject(route());
    const made = await claim();
    const held = await writer.holdRoute(bare);
    const gateway = gatewayOf();
    api.writes();
    [asked, leading] = [[], false];
    const attempts: (() => Promise<unknown>)[] = [
      () => writer.routeStatus(held, said()),
      () => writer.secondWriter(held, "x"),
      () => writer.gatewayStatus(gateway, { addresses: [], conditions: [], listeners: [] }),
      () => writer.classStatus({ metadata: { name: "c" }, spec: { controllerName: "x" } }, []),
      () => writer.createClass("c", "x", "y"),
      claim,
      () => writer.transfer(made, { route: { namespace: "n", name: "r", uid: "v" } }),
      () => writer.journal(made, { phase: "Held" }),
      () => writer.release(made),
      () => writer.holdRoute(bare),
      () => writer.letRouteGo(held),
    ];
    for (const attempt of attempts) {
      const error = await attempt().catch((e: unknown) => e);
      expect((error as ComputeError).code).to.equal("Fenced");
    }
    expect(asked).to.have.length(attempts.length);
    expect(api.writes()).to.deep.equal([]);
  });
});
