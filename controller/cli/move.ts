// SPDX-License-Identifier: Apache-2.0
// `move ADDRESS --to POD`: a planned move. It writes one annotation on the route; the controller's own decision does the rest, make before
// break. The annotation stays, because without it the newest Pod would take the address back; `--clear` takes it away.
import { KINDS, parseAddress, STABILITY_ANNOTATION, type AddressBinding, type Move } from "../api";
import { keyOf } from "../core";
import { resourcePath, type ApiClient } from "../kubernetes";
import { NotThereError, UsageError } from "./errors";
import { explain, type Explanation } from "./explain";
import type { Dump } from "./dump";
import { worldOf } from "./world";

export interface MovePlan {
  route: { namespace: string; name: string };
  address: string;
  binding: AddressBinding;
  /** Name of the Pod; undefined: the annotation is taken away. */
  pod?: string;
}

/** The binding of an address. Internal addresses may be there more than once, in several VPCs. @throws UsageError, NotThereError */
function bindingOf(bindings: readonly AddressBinding[], text: string): AddressBinding {
  const parsed = parseAddress(text);
  const named = bindings.filter((b) => b.metadata.name === text || (parsed.ok && b.spec.address === parsed.address));
  if (named.length === 1) return named[0]!;
  if (named.length > 1) {
    const names = named.map((b) => b.metadata.name).join(", ");
    throw new UsageError("ADDRESS", `${text} is in use in several VPCs; name one of the AddressBindings ${names}`);
  }
  const some = bindings
    .map((b) => b.spec.address)
    .slice(0, 5)
    .join(", ");
  throw new NotThereError(`no AddressBinding has ${text}; ${some === "" ? "there is none at all" : `there are ${some}`}`);
}

/** Verdicts of Pods that may be asked for; any other is refused before anything is written, with its own words. */
const WILL_DO: readonly string[] = [
  ...["Selected", "OlderThanSelected", "HeldBySticky", "WithinDwell", "BudgetSpent", "LessPreferred", "ReclaimNotAsked"],
  "NodeCordoned",
];
function checkPod(e: Explanation, pod: string): void {
  if (e.accepted.status !== "True")
    throw new UsageError("ADDRESS", `its route ${e.route} is not accepted (${e.accepted.reason}): ${e.accepted.message}`);
  const found = e.pods.find((p) => p.pod === pod);
  const may = e.pods.filter((p) => WILL_DO.includes(p.verdict)).map((p) => p.pod);
  const allowed = may.length === 0 ? "no Pod can be chosen now" : `it can go to ${may.join(", ")}`;
  if (!found) throw new UsageError("--to", `${pod} is no Pod that route ${e.route} selects; ${allowed}`);
  if (!WILL_DO.includes(found.verdict))
    throw new UsageError("--to", `${pod} cannot be chosen (${found.verdict}): ${found.why}; ${allowed}`);
}

/**
 * What to write, decided from a dump. @param pod undefined: back to the usual rule
 * @throws UsageError, NotThereError where the move cannot come about
 */
export async function planMove(dump: Dump, address: string, pod: string | undefined): Promise<MovePlan> {
  const { bindings, routes } = await worldOf(dump);
  const binding = bindingOf(bindings, address);
  const { namespace, name, uid } = binding.spec.route;
  const route = routes.find((r) => r.metadata.uid === uid);
  if (!route)
    throw new NotThereError(`GKEIPRoute ${namespace}/${name}, which has ${binding.spec.address}, is not there any more`);
  if (pod !== undefined) checkPod((await explain(dump, keyOf(route), namespace))[0]!, pod);
  return { route: { namespace, name }, address: binding.spec.address, binding, ...(pod === undefined ? {} : { pod }) };
}

/** Writes the wish. @throws ApiError */
export async function askForMove(client: ApiClient, { route: { namespace, name }, pod }: MovePlan): Promise<void> {
  const body = { metadata: { annotations: { [STABILITY_ANNOTATION.moveTo]: pod ?? null } } };
  await client.request("PATCH", resourcePath(KINDS.route, namespace, name), { body });
}

export interface MoveNews {
  phase: string;
  /** Set once another Pod, or the same one again, has the address for good. */
  done?: { pod: string; node: string; move?: Move };
}
const generationOf = ({ status }: AddressBinding): number => status?.lastMove?.generation ?? 0;
/** How far the move is, from the binding as it is now. @param before the binding as it was when the move was asked for */
export function moveNews(before: AddressBinding, now: AddressBinding, pod: string): MoveNews {
  const { phase = "Claimed", holder, lastMove } = now.status ?? {};
  if (phase !== "Held" || holder?.pod !== pod) return { phase };
  const fresh = lastMove && generationOf(now) > generationOf(before) ? { move: lastMove } : {};
  return { phase, done: { pod: holder.pod, node: holder.node, ...fresh } };
}

/** Lines that end a move: where the address is, and how long each phase took. */
export function moveLines(address: string, { pod, node, move }: NonNullable<MoveNews["done"]>): string[] {
  if (!move) return [`${address} is with ${pod} on ${node} already; it stays there while that Pod can be chosen`];
  const phases = Object.entries(move.durations)
    .filter(([name]) => name !== "total")
    .map(([name, ms]) => `${name} ${ms} ms`)
    .join(", ");
  return [
    `${address} moved from ${move.from?.pod ?? "nobody"} to ${pod} on ${node} in ${move.durations.total ?? 0} ms (${phases})`,
    `It stays there while that Pod can be chosen; give it back to the usual rule with --clear.`,
  ];
}
