// SPDX-License-Identifier: Apache-2.0
// Giving an address back: the rule of ours goes, then the claim. The reserved address itself is never touched (invariant 2).
import type { AddressBinding } from "../api";
import type { Parts } from "./address";
import type { AddressKey } from "./cloud";

const keyOfBinding = (b: AddressBinding): AddressKey => ({
  address: b.spec.address,
  scope: b.spec.scope,
  ...(b.spec.vpc ? { vpc: b.spec.vpc } : {}),
});

/**
 * Releases a claim, unless it has gone to another route meanwhile. Can be called again after a crash at any point.
 * @param owner UID of the route on whose behalf
 */
export async function releaseBinding(parts: Parts, name: string, owner: string): Promise<void> {
  const { caches, cloud, fabric, fence, writer, clock } = parts;
  const binding = caches.binding(name);
  if (!binding || binding.spec.route.uid !== owner) return;
  const now = new Date(clock.now()).toISOString();
  const { lastMove, history } = binding.status ?? {};
  const status = { ...(lastMove ? { lastMove } : {}), ...(history ? { history } : {}) };
  const marked = await writer.journal(binding, {
    ...status,
    phase: "Releasing",
    generation: (binding.status?.generation ?? 0) + (binding.status?.phase === "Releasing" ? 0 : 1),
    phaseStartedAt: binding.status?.phase === "Releasing" ? (binding.status.phaseStartedAt ?? now) : now,
    ready: "False",
    reason: "Releasing",
    message: "the route that owned the address gives it up",
  });
  // The journal is the truth about what may exist; the cloud is asked afresh what does.
  await cloud.look(keyOfBinding(marked));
  for (const rule of cloud.rulesOf(keyOfBinding(marked)).filter((r) => r.ours)) {
    await fabric.deleteRule(rule, fence);
    cloud.forget(rule.name);
  }
  await writer.release(marked);
  parts.logger.info(
    { address: binding.spec.address, route: `${binding.spec.route.namespace}/${binding.spec.route.name}` },
    "address released",
  );
}
