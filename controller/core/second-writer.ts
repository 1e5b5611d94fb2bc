// SPDX-License-Identifier: Apache-2.0
// Two controllers that both decide about one route would undo each other's moves for ever. Who writes what stands in
// metadata.managedFields, so a second one is seen there before anything is lost (DESIGN 6).

/** What is read of an entry of metadata.managedFields (Kubernetes API, ManagedFieldsEntry v1). */
interface Entry {
  manager?: unknown;
  subresource?: unknown;
  fieldsV1?: unknown;
}
export interface StatusWriters {
  /** Managers, besides us, that decide about the route. Sorted, each once. */
  others: string[];
  /** True where the status has fields that we wrote. */
  own: boolean;
}

/** Conditions that only the controller of a route decides; DPV2Ready is the node agent's (api.md 2.1). */
const DECIDED: readonly string[] = ["Accepted", "GCPReady", "IPRouteGCPReady", "Ready"];

const record = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

/** `Accepted` of the list-map key `k:{"type":"Accepted"}`; undefined for any other member. */
function typeOfKey(member: string): string | undefined {
  if (!member.startsWith("k:")) return undefined;
  try {
    const { type } = record(JSON.parse(member.slice(2)));
    return typeof type === "string" ? type : undefined;
  } catch {
    return undefined;
  }
}

function decides(entry: Entry): boolean {
  const status = record(record(entry.fieldsV1)["f:status"]);
  const types = Object.keys(record(status["f:conditions"])).map(typeOfKey);
  return "f:pods" in status || types.some((type) => type !== undefined && DECIDED.includes(type));
}

/**
 * People repair a status with kubectl, and it heals (T3): they are not controllers. `before-first-apply` is the API server's own name for
 * fields of which it did not record the writer.
 */
const harmless = (manager: string): boolean => manager.startsWith("kubectl") || manager === "before-first-apply";

/**
 * Who writes the status of a route. A manager counts while it owns `status.pods` or a condition that the controller decides; one that has
 * left nothing behind does not.
 * @param managedFields metadata.managedFields as received
 * @param ours our own field manager
 */
export function statusWriters(managedFields: readonly unknown[] | undefined, ours: string): StatusWriters {
  const managers = (managedFields ?? [])
    .map((entry): Entry => record(entry))
    .filter((entry) => entry.subresource === "status" && decides(entry))
    .flatMap(({ manager }) => (typeof manager === "string" ? [manager] : []));
  const others = managers.filter((m) => m !== ours && !harmless(m));
  return { others: [...new Set(others)].sort(), own: managers.includes(ours) };
}

/** The sentence for the condition, the Event and the log. */
export const secondWriterMessage = (others: readonly string[]): string =>
  `${others.join(", ")} writes the status of this route too, so nothing is moved and nothing is written any more. Use one controller: ` +
  `either controller kind "GkeManaged" with "Observe", or a Gateway of a class of this controller only. If the other one is gone for good, ` +
  `clear what it left with kubectl patch gkeiproute NAME --subresource=status --type=merge -p '{"status":null}'`;
