// SPDX-License-Identifier: Apache-2.0
// Giving an address back: to an heir where another accepted route wants it, else the rule of ours goes, then the claim. The reserved address
// itself is never touched (invariant 2).
import type { AddressBinding, AddressBindingStatus, GKEIPRoute } from "../api";
import { accept, isOurRoute, keyOf, type World } from "../core";
import type { AddressDriver, Parts } from "./address";
import { nameOf, type AddressKey } from "./cloud";
import { allEnded } from "./errors";

export const keyOfBinding = (b: AddressBinding): AddressKey => ({
  address: b.spec.address,
  scope: b.spec.scope,
  ...(b.spec.vpc ? { vpc: b.spec.vpc } : {}),
});

/** An address that the cloud would not let go. */
export interface Stuck {
  address: string;
  message: string;
  retryMs: number;
}

/**
 * The route that takes a claim over, without a gap (E23, E34).
 * @param owner UID of the route that gives it up
 * @returns `namespace/name`; undefined: nobody wants it
 */
export function heirOf(world: World, owner: string, binding: AddressBinding): string | undefined {
  const heir = world
    .routesClaiming(binding.spec.address)
    .filter((r) => r.metadata.uid !== owner && isOurRoute(world, r))
    .find((r) => wants(world, r, binding));
  return heir && keyOf(heir);
}
function wants(world: World, route: GKEIPRoute, binding: AddressBinding): boolean {
  const verdict = accept(world, route);
  if (!verdict.accepted) return false;
  const { vpc } = verdict.network;
  const nameIn = (a: { address: string; scope: AddressKey["scope"] }): string =>
    nameOf({ address: a.address, scope: a.scope, ...(vpc ? { vpc } : {}) });
  return verdict.addresses.some((a) => nameIn(a) === binding.metadata.name);
}

export class Releaser {
  constructor(
    private readonly parts: Parts,
    private readonly driver: AddressDriver,
    /** Asks for the heir to be looked at. */
    private readonly enqueue: (route: string) => void,
  ) {}

  /**
   * Gives claims back. What one address meets does not hold up the others; what the cloud refuses is answered.
   * @param owner UID of the route that gives them up
   * @throws ApiError, ComputeError Fenced
   */
  async giveBack(owner: string, bindings: readonly AddressBinding[]): Promise<Stuck[]> {
    return (await allEnded(bindings.map((b) => this.one(owner, b)))).flatMap((stuck) => stuck ?? []);
  }

  private async one(owner: string, binding: AddressBinding): Promise<Stuck | undefined> {
    const { name } = binding.metadata;
    const known = heirOf(this.parts.caches.world, owner, binding);
    if (known) return void this.enqueue(known);
    // Waits for whatever is under way on the address (E42).
    const end = await this.driver.attempt(name, () => releaseBinding(this.parts, name, owner));
    if ("done" in end) return void (end.done && this.enqueue(end.done));
    const { message, retryMs } = end.refused;
    return { address: binding.spec.address, message: `not given back yet: ${message}`, retryMs };
  }
}

/** The journal while an address is given back. Saying it twice changes nothing. */
function releasing(status: AddressBindingStatus | undefined, now: string): AddressBindingStatus {
  const { lastMove, history, generation = 0, phase, phaseStartedAt } = status ?? {};
  const again = phase === "Releasing";
  return {
    ...(lastMove ? { lastMove } : {}),
    ...(history ? { history } : {}),
    phase: "Releasing",
    generation: again ? generation : generation + 1,
    phaseStartedAt: again && phaseStartedAt ? phaseStartedAt : now,
    ready: "False",
    reason: "Releasing",
    message: "the route that owned the address gives it up",
  };
}

/**
 * Releases a claim, unless it has gone to another route meanwhile, or one wants it: then nothing is touched and the heir is answered. Can be called
 * again after a crash at any point. To be called by whoever has the address to himself: an heir may have come while others were waited for.
 * @param owner UID of the route on whose behalf
 * @returns `namespace/name` of the heir
 * @throws ApiError, ComputeError
 */
export async function releaseBinding(parts: Parts, name: string, owner: string): Promise<string | undefined> {
  const { caches, cloud, fabric, fence, writer, clock, logger } = parts;
  const binding = caches.binding(name);
  if (!binding || binding.spec.route.uid !== owner) return undefined;
  const heir = heirOf(caches.world, owner, binding);
  if (heir) return heir;
  const marked = await writer.journal(binding, releasing(binding.status, new Date(clock.now()).toISOString()));
  // The journal is the truth about what may exist; the cloud is asked afresh what does.
  const key = keyOfBinding(marked);
  for (const rule of await cloud.leftovers(key)) {
    await fabric.deleteRule(rule, fence);
    cloud.forget(rule);
  }
  await writer.release(marked);
  const { address, route } = binding.spec;
  logger.info({ address, route: `${route.namespace}/${route.name}` }, "address released");
  return undefined;
}
