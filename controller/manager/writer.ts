// SPDX-License-Identifier: Apache-2.0
// Every write to the API server, in one place: fenced by the lease, under the version it was computed from, and skipped where nothing changes.
import {
  apiVersionOf,
  CONDITION,
  FIELD_MANAGER,
  KINDS,
  ROUTE_FINALIZER,
  SECOND_WRITER,
  type AddressBinding,
  type AddressBindingSpec,
  type AddressBindingStatus,
  type Gateway,
  type GatewayClass,
  type GKEIPRoute,
  type KubeObject,
} from "../api";
import type { GatewayStatusWanted, RouteStatusWanted } from "../core";
import {
  addFinalizer,
  applyStatus,
  isApiError,
  ownConditions,
  removeFinalizer,
  resourcePath,
  sameStatus,
  type ApiClient,
  type Clock,
  type Condition,
} from "../kubernetes";
import type { Caches } from "./caches";
import type { Fence } from "../compute";
import type { Said } from "./classes";
import { routeObject, type RouteObject } from "./views";

export interface WriterOptions {
  client: ApiClient;
  caches: Caches;
  clock: Clock;
  fence: Fence;
}
type Conditions = readonly Condition[] | undefined;
/** How often a write is repeated because node agents have written meanwhile. */
const MOST_CONFLICTS = 5;

export class Writer {
  constructor(private readonly o: WriterOptions) {}

  get client(): ApiClient {
    return this.o.client;
  }

  /** Status of a route. Answers the object as it is now; the same one where nothing had to be written. */
  async routeStatus(route: RouteObject, want: RouteStatusWanted): Promise<RouteObject> {
    const conditions = ownConditions(route.status?.conditions, want.conditions, this.o.clock.now());
    // A hold that is over is taken back with the next write.
    const ours = [...want.conditions.map((c): string => c.type), SECOND_WRITER];
    const have = (route.status?.conditions ?? []).filter((c) => ours.includes(c.type));
    if (sameStatus({ pods: route.status?.pods ?? [], conditions: have }, { pods: want.pods, conditions })) return route;
    return this.wroteRoute(await this.status<GKEIPRoute>(KINDS.route, route, { pods: want.pods, conditions }));
  }

  /**
   * Says on the route that somebody else decides about it too. What we wrote before is written again as it stands there now: an apply that
   * leaves it out would delete it, and with `status.pods` the datapath. Where we never wrote, we do not begin to.
   */
  async secondWriter(route: RouteObject, message: string): Promise<RouteObject> {
    const { pods, conditions = [] } = route.status ?? {};
    const said = {
      type: SECOND_WRITER,
      status: "True" as const,
      reason: SECOND_WRITER,
      message,
      observedGeneration: route.metadata.generation ?? 0,
    };
    const before = conditions.filter((c) => c.type === SECOND_WRITER);
    const now = ownConditions(before, [said], this.o.clock.now());
    if (sameStatus({ conditions: before }, { conditions: now })) return route;
    const mine = route.writers?.own ? conditions.filter((c) => c.type in CONDITION) : [];
    const kept = route.writers?.own && pods ? { pods } : {};
    return this.wroteRoute(await this.status<GKEIPRoute>(KINDS.route, route, { ...kept, conditions: [...mine, ...now] }));
  }
  private wroteRoute(written: GKEIPRoute): RouteObject {
    this.o.caches.wrote("route", written);
    return routeObject(written);
  }

  async gatewayStatus(gateway: Gateway, want: GatewayStatusWanted): Promise<void> {
    const own = (have: Conditions, list: GatewayStatusWanted["conditions"]): Condition[] =>
      ownConditions(have, list, this.o.clock.now());
    const listeners = want.listeners.map((l) => ({
      ...l,
      conditions: own(gateway.status?.listeners?.find((h) => h.name === l.name)?.conditions, l.conditions),
    }));
    const status = { addresses: want.addresses, conditions: own(gateway.status?.conditions, want.conditions), listeners };
    if (!sameStatus(pick(gateway.status, status), status)) await this.status(KINDS.gateway, gateway, status);
  }

  /** Accepts a class of ours. @param more what else is to be said of it */
  async classStatus(found: GatewayClass, more: readonly Said[]): Promise<void> {
    const accepted: Said = { type: "Accepted", status: "True", reason: "Accepted", message: "" };
    const observedGeneration = found.metadata.generation ?? 0;
    const said = [accepted, ...more].map((c) => ({ ...c, observedGeneration }));
    const status = { conditions: ownConditions(found.status?.conditions, said, this.o.clock.now()) };
    const own = (found.status?.conditions ?? []).filter((c) => said.some((one) => one.type === c.type));
    if (!sameStatus({ conditions: own }, status)) await this.status(KINDS.gatewayClass, found, status);
  }

  /** Makes a GatewayClass where the cluster has none of that name; one that is there is never changed. */
  async createClass(name: string, controllerName: string, description: string): Promise<void> {
    this.check("create gatewayclass");
    const body = {
      apiVersion: apiVersionOf(KINDS.gatewayClass),
      kind: "GatewayClass",
      metadata: { name },
      spec: { controllerName, description },
    };
    await this.o.client.request("POST", resourcePath(KINDS.gatewayClass), { body, query: { fieldManager: FIELD_MANAGER } });
  }

  /** Claims an address: the name is unique, so one claimant at most succeeds. @throws ApiError AlreadyExists where another was faster */
  async claim(name: string, spec: AddressBindingSpec): Promise<AddressBinding> {
    this.check("create addressbinding");
    const body = { apiVersion: apiVersionOf(KINDS.binding), kind: "AddressBinding", metadata: { name }, spec };
    const made = await this.o.client.request<AddressBinding>("POST", resourcePath(KINDS.binding), {
      body,
      query: { fieldManager: FIELD_MANAGER },
    });
    this.o.caches.wrote("binding", made);
    return made;
  }

  /** Hands a claim to another route. Under its version: a claim that changed meanwhile is not taken. @throws ApiError Conflict */
  async transfer(binding: AddressBinding, spec: Omit<AddressBindingSpec, "address" | "scope">): Promise<AddressBinding> {
    return this.bindingPatch(binding, { spec: { vpc: null, ...spec } }, undefined);
  }

  /** Writes the journal, whole. @throws ApiError Conflict */
  async journal(binding: AddressBinding, status: AddressBindingStatus): Promise<AddressBinding> {
    const [before, after] = [own(binding.status), own(status)];
    if (sameStatus(before, after)) return binding;
    // A merge patch leaves out nothing by itself: members that are gone are named as null.
    const gone = Object.fromEntries(
      Object.keys(before)
        .filter((k) => !(k in after))
        .map((k) => [k, null]),
    );
    return this.bindingPatch(binding, { status: { ...gone, ...replaceHolders(before, after) } }, "status");
  }

  /** Gives a claim back. One that is gone already counts as done. */
  async release(binding: AddressBinding): Promise<void> {
    this.check("delete addressbinding");
    const preconditions = { uid: binding.metadata.uid, resourceVersion: binding.metadata.resourceVersion };
    const body = { apiVersion: "v1", kind: "DeleteOptions", preconditions };
    await this.o.client
      .request("DELETE", resourcePath(KINDS.binding, undefined, binding.metadata.name), { body })
      .catch(ignoreNotFound);
    this.o.caches.removed("binding", binding);
  }

  async holdRoute(route: RouteObject): Promise<RouteObject> {
    if ((route.metadata.finalizers ?? []).includes(ROUTE_FINALIZER)) return route;
    this.check("patch gkeiproute");
    return this.wroteRoute(await addFinalizer<GKEIPRoute>(this.o.client, KINDS.route, route, ROUTE_FINALIZER));
  }
  async letRouteGo(route: GKEIPRoute): Promise<void> {
    if (!(route.metadata.finalizers ?? []).includes(ROUTE_FINALIZER)) return;
    this.check("patch gkeiproute");
    const written = await removeFinalizer(this.o.client, KINDS.route, route, ROUTE_FINALIZER);
    if (written && !written.metadata.deletionTimestamp) this.o.caches.wrote("route", written);
    else this.o.caches.removed("route", route);
  }

  private async status<T extends KubeObject>(
    kind: (typeof KINDS)[keyof typeof KINDS],
    object: KubeObject,
    status: object,
  ): Promise<T> {
    this.check(`patch ${kind.plural}/status`);
    const { namespace, name, resourceVersion = "", uid } = object.metadata;
    return applyStatus<T>(
      this.o.client,
      kind,
      { namespace, name, resourceVersion, uid },
      { status, fieldManager: FIELD_MANAGER },
    );
  }
  /** The version is the fence. That a node agent has written its own entry meanwhile is no reason to give up; anything else is. */
  private async bindingPatch(binding: AddressBinding, change: object, subresource: string | undefined): Promise<AddressBinding> {
    let base = binding;
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.patchAt(base, change, subresource);
      } catch (error) {
        if (!isApiError(error, "Conflict") || tries >= MOST_CONFLICTS) throw error;
        // A patch that changes nothing answers the object as it is; of another object of that name it is refused, by the UID.
        const { name, uid } = binding.metadata;
        const path = resourcePath(KINDS.binding, undefined, name, "status");
        base = await this.bindingRequest(path, { metadata: { uid } });
        if (!sameStatus(own(base.status), own(binding.status)) || !sameStatus(base.spec, binding.spec)) throw error;
      }
    }
  }
  private patchAt(binding: AddressBinding, change: object, subresource: string | undefined): Promise<AddressBinding> {
    const { name, uid, resourceVersion } = binding.metadata;
    const path = resourcePath(KINDS.binding, undefined, name, subresource);
    return this.bindingRequest(path, { metadata: { uid, resourceVersion }, ...change });
  }
  private async bindingRequest(path: string, body: object): Promise<AddressBinding> {
    this.check("patch addressbinding");
    const written = await this.o.client.request<AddressBinding>("PATCH", path, {
      contentType: "application/merge-patch+json",
      query: { fieldManager: FIELD_MANAGER },
      body,
    });
    this.o.caches.wrote("binding", written);
    return written;
  }
  /** Asks the fence, for a write that is made elsewhere. @throws ComputeError Fenced */
  mayWrite(method: string): void {
    this.check(method);
  }
  private check(method: string): void {
    this.o.fence.check(method);
  }
}

/** The journal without what node agents write into it: that is theirs, and neither written nor compared here. */
function own(status: AddressBindingStatus | undefined): AddressBindingStatus {
  const { nodes: _, ...journal } = status ?? {};
  return journal;
}
/** Nested objects merge too, so a holder that lost a member would keep the old one; both ends are always written whole. */
function replaceHolders(before: AddressBindingStatus | undefined, after: AddressBindingStatus): AddressBindingStatus {
  const lastMove = after.lastMove && before?.lastMove ? { from: null, ...after.lastMove } : after.lastMove;
  return { ...after, ...(lastMove ? { lastMove: lastMove as AddressBindingStatus["lastMove"] } : {}) };
}
const pick = (have: object | undefined, want: object): object =>
  Object.fromEntries(Object.keys(want).map((k) => [k, (have as Record<string, unknown> | undefined)?.[k]]));
function ignoreNotFound(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "NotFound")) throw error;
}
