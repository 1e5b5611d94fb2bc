// SPDX-License-Identifier: Apache-2.0
// GKE's multi-network annotations, read without ever throwing: one malformed Pod must not stop the others (E22, invariant 6).
import { isDefaultNetwork } from "./names";

export interface PodInterface {
  interfaceName: string;
  network?: string;
  /** Name of a NetworkInterface object instead of a network (E21). */
  interface?: string;
}
export type Parsed<T> = { ok: true; value: T } | { ok: false; message: string };

function readList(text: string | undefined, name: string): Parsed<Record<string, unknown>[]> {
  if (text === undefined || text === "") return { ok: true, value: [] };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, message: `annotation ${name} is not JSON: ${(error as Error).message}` };
  }
  const good = Array.isArray(value) && value.every((v) => typeof v === "object" && v !== null && !Array.isArray(v));
  return good
    ? { ok: true, value: value as Record<string, unknown>[] }
    : { ok: false, message: `annotation ${name} must be a JSON list of objects` };
}

/** Reads `networking.gke.io/interfaces` of a Pod (SEED-72, api.md 5.3). */
export function parseInterfaces(text: string | undefined): Parsed<PodInterface[]> {
  const list = readList(text, "networking.gke.io/interfaces");
  if (!list.ok) return list;
  const found: PodInterface[] = [];
  for (const [i, entry] of list.value.entries()) {
    const { interfaceName, network, interface: nic } = entry;
    if (typeof interfaceName !== "string" || interfaceName === "")
      return { ok: false, message: `networking.gke.io/interfaces[${i}].interfaceName must be a name, such as eth1` };
    if ((typeof network === "string") === (typeof nic === "string"))
      return { ok: false, message: `networking.gke.io/interfaces[${i}] must name exactly one of "network" and "interface"` };
    found.push({ interfaceName, ...(typeof network === "string" ? { network } : { interface: nic as string }) });
  }
  return { ok: true, value: found };
}

/** Reads `networking.gke.io/north-interfaces` of a node: which networks its VM is on (api.md 5.3). Malformed entries are left out. */
export function parseNorthInterfaces(text: string | undefined): { network: string; ipAddress: string }[] {
  const list = readList(text, "networking.gke.io/north-interfaces");
  if (!list.ok) return [];
  return list.value.flatMap(({ network, ipAddress }) =>
    typeof network === "string" && typeof ipAddress === "string" ? [{ network, ipAddress }] : [],
  );
}

/**
 * Name of the Pod's interface on a network, if it has one.
 * @param networkOf resolves a NetworkInterface object to its network (E21); undefined where it is not known
 */
export function interfaceOn(
  interfaces: readonly PodInterface[],
  network: string,
  networkOf?: (nic: string) => string | undefined,
): string | undefined {
  // The primary network goes by several names (api.md 5.1).
  const same = (name: string | undefined): boolean =>
    name !== undefined && (name === network || (isDefaultNetwork(name) && isDefaultNetwork(network)));
  const hit = interfaces.find((i) => same(i.network) || (i.interface !== undefined && same(networkOf?.(i.interface))));
  if (hit) return hit.interfaceName;
  return isDefaultNetwork(network) ? "eth0" : undefined;
}

/** Splits a node's `spec.providerID` (`gce://project/zone/name`). */
export function parseProviderId(text: string | undefined): { project: string; zone: string; instance: string } | undefined {
  const m = /^gce:\/\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(text ?? "");
  return m ? { project: m[1]!, zone: m[2]!, instance: m[3]! } : undefined;
}
