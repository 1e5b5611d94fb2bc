// SPDX-License-Identifier: Apache-2.0
// Where a scheme refuses L3_DEFAULT (documents disagree about internal protocol forwarding, api.md 4.3, E52), one TCP and one UDP rule
// carry what they can, and the rest is named instead of being lost in silence.
import { ComputeError } from "./errors";
import type { Rules } from "./rules";
import type { CreatedRules, Fence, ObservedRule, RuleSpec } from "./types";

const NEVER_CARRIED = ["ICMP", "ESP", "AH", "SCTP"] as const;
const PARTS = ["TCP", "UDP"] as const;

/** Name of the fallback rule of a protocol; the same as `forwardingRuleName(cluster, binding, protocol)` where `name` is the whole rule's. */
export const partName = (name: string, protocol: string): string => `${name}-${protocol.toLowerCase()}`;

/** Does this error say that the rule's protocol is not allowed here (and not that something else is wrong)? */
export const refusesL3 = (error: unknown): boolean =>
  error instanceof ComputeError && error.code === "Invalid" && /L3_DEFAULT|IPProtocol|allPorts/i.test(error.message);

/** See `Fabric.createRules`. */
export async function createRules(rules: Rules, spec: RuleSpec, fence: Fence): Promise<CreatedRules> {
  const names: ReadonlySet<string> = new Set(PARTS.map((protocol) => partName(spec.name, protocol)));
  const settled = (await rules.on(spec.address, spec.vpc)).some((rule) => rule.ours && names.has(rule.name));
  // Once the fallback is in use, asking for L3_DEFAULT again at each pass would only spend quota.
  if (!settled) {
    try {
      return { rules: [await rules.create(spec, "L3_DEFAULT", fence)], carried: ["L3_DEFAULT"], notCarried: [] };
    } catch (error) {
      if (!refusesL3(error)) throw error;
    }
  }
  return createParts(rules, spec, fence);
}

async function createParts(rules: Rules, spec: RuleSpec, fence: Fence): Promise<CreatedRules> {
  const made: ObservedRule[] = [];
  const notCarried: CreatedRules["notCarried"] = [];
  for (const protocol of PARTS) {
    try {
      made.push(await rules.create({ ...spec, name: partName(spec.name, protocol) }, protocol, fence));
    } catch (error) {
      if (!(error instanceof ComputeError) || made.length === 0 || (error.code !== "InUse" && error.code !== "Invalid"))
        throw error;
      const why = `${error.message}; an internal address on two rules needs purpose SHARED_LOADBALANCER_VIP`;
      notCarried.push({ protocol, why });
    }
  }
  const why = `${spec.scope.toLowerCase()} protocol forwarding refused L3_DEFAULT, and only TCP and UDP have rules of their own here`;
  notCarried.push(...NEVER_CARRIED.map((protocol) => ({ protocol, why })));
  return { rules: made, carried: made.map((rule) => rule.protocol), notCarried };
}
