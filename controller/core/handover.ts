// SPDX-License-Identifier: Apache-2.0
// The hand-over of one address as a state machine over what is observed: claim, prepare, switch, prove, release (DESIGN 4.4).
// `nextStep` never remembers anything: after a crash the same journal and the same cloud give the same next step.
import { HISTORY_LIMIT, type AddressBinding, type AddressBindingStatus, type Holder, type Move, type MoveCause } from "../api";
import { formerWhenBegun, formerWhenCommitted } from "./former";
import { keptStandbys, sameStandbys } from "./standby";

/** The forwarding rule on the address, as last observed. `incomplete`: what it lacks besides its target, in words. */
export type RuleFact =
  | { state: "unknown" }
  | { state: "absent" }
  | { state: "ours"; target: string; incomplete?: string }
  | { state: "foreign"; message: string };

export interface HandoverInput {
  binding?: AddressBinding;
  routeUid: string;
  /** The Pod that selection wants; undefined: nobody. */
  wanted?: Holder;
  cause: MoveCause;
  rule: RuleFact;
  /** Target instance of the wanted holder, in path form `projects/P/zones/Z/targetInstances/N`. */
  wantedTarget?: string;
  /** Who is to be prepared ahead, the best first. Not given: the journal's list stays as it is. */
  standby?: readonly Holder[];
  /** True once the wanted holder's node is proven programmed for this generation. */
  prepared: boolean;
}
export type Step =
  | { do: "nothing" }
  | { do: "claim" }
  | { do: "transfer" }
  | { do: "observe" }
  | { do: "blocked"; message: string }
  | { do: "unserve" }
  | { do: "begin"; next: Holder; generation: number; cause: MoveCause; routeUid: string }
  | { do: "reset" }
  | { do: "await-datapath" }
  | { do: "switch" }
  | { do: "program"; repair: boolean }
  | { do: "commit" }
  | { do: "stand-by"; standby: readonly Holder[] };

const SAME = ["podUID", "node", "instance", "zone"] as const;
export const sameHolder = (a: Holder | undefined, b: Holder | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && SAME.every((k) => a[k] === b[k]));

const programmed = (i: HandoverInput): boolean =>
  i.rule.state === "ours" && i.rule.target === i.wantedTarget && i.rule.incomplete === undefined;

function stepHeld(i: HandoverInput, status: AddressBindingStatus): Step {
  if (!programmed(i)) return { do: "program", repair: true };
  return i.standby && !sameStandbys(status, i.standby) ? { do: "stand-by", standby: i.standby } : { do: "nothing" };
}

const moving = ({ phase, next }: AddressBindingStatus): boolean =>
  next !== undefined && (phase === "Preparing" || phase === "Prepared" || phase === "Switching");

function stepMoving(i: HandoverInput, status: AddressBindingStatus): Step {
  if (status.phase === "Switching") return programmed(i) ? { do: "commit" } : { do: "program", repair: false };
  if (status.routeVersion === undefined) return { do: "reset" };
  return i.prepared ? { do: "switch" } : { do: "await-datapath" };
}

/** The journal of another route proves nothing for this one: the node was programmed from that route's status. */
const inherited = (status: AddressBindingStatus, routeUid: string): boolean =>
  status.routeUid !== undefined && status.routeUid !== routeUid;

function stepNobody(status: AddressBindingStatus): Step {
  return status.phase === "Unserved" && !status.holder && !status.next ? { do: "nothing" } : { do: "unserve" };
}

function stepTowards(i: HandoverInput, wanted: Holder, status: AddressBindingStatus): Step {
  const begin = { do: "begin", next: wanted, generation: (status.generation ?? 0) + 1, routeUid: i.routeUid } as const;
  if (inherited(status, i.routeUid)) return { ...begin, cause: "RouteChanged" };
  if (status.phase === "Held" && !status.next && sameHolder(status.holder, wanted)) return stepHeld(i, status);
  if (moving(status) && sameHolder(status.next, wanted)) return stepMoving(i, status);
  // Any other wish than the one under way starts over, back to the present holder too: the last wish wins (E51), and what a broken-off
  // move has done to the nodes is not known.
  return { ...begin, cause: i.cause };
}

/** The one thing to do next for an address. Reads no clock and draws no number. */
export function nextStep(i: HandoverInput): Step {
  if (!i.binding) return { do: "claim" };
  if (i.binding.spec.route.uid !== i.routeUid) return { do: "transfer" };
  const status: AddressBindingStatus = i.binding.status ?? {};
  if (!i.wanted) return stepNobody(status);
  if (i.rule.state === "unknown") return { do: "observe" };
  if (i.rule.state === "foreign") return { do: "blocked", message: i.rule.message };
  return stepTowards(i, i.wanted, status);
}

/** Journal after `begin`. Times are RFC 3339. */
export function begun(
  status: AddressBindingStatus | undefined,
  step: Extract<Step, { do: "begin" }>,
  now: string,
): AddressBindingStatus {
  const { holder, lastMove, history, forwardingRule } = status ?? {};
  return prune({
    holder,
    lastMove,
    history,
    forwardingRule,
    phase: "Preparing",
    generation: step.generation,
    next: step.next,
    former: formerWhenBegun(status ?? {}, now),
    standby: inherited(status ?? {}, step.routeUid) ? undefined : keptStandbys(status ?? {}),
    routeUid: step.routeUid,
    cause: step.cause,
    startedAt: now,
    phaseStartedAt: now,
    ready: "False",
    reason: "Mutated",
    message: `moving to ${step.next.pod} on ${step.next.node}`,
  });
}

/** Journal when the node is proven and the cloud may be switched. */
export const switching = (status: AddressBindingStatus, now: string): AddressBindingStatus => ({
  ...status,
  phase: "Switching",
  phaseStartedAt: now,
});

const millis = (from: string | undefined, to: string): number => (from ? Math.max(0, Date.parse(to) - Date.parse(from)) : 0);

/** Journal when the rule was read back with the wanted target: the move is finished. */
export function committed(status: AddressBindingStatus, now: string): AddressBindingStatus {
  const move: Move = prune({
    generation: status.generation ?? 0,
    from: status.holder,
    to: status.next,
    cause: status.cause ?? "FirstAssignment",
    startedAt: status.startedAt ?? now,
    finishedAt: now,
    durations: {
      prepare: millis(status.startedAt, status.phaseStartedAt ?? now),
      switch: millis(status.phaseStartedAt, now),
      total: millis(status.startedAt, now),
    },
  });
  return prune({
    phase: "Held",
    generation: status.generation ?? 0,
    holder: status.next,
    former: formerWhenCommitted(status, now),
    standby: keptStandbys(status, status.next),
    forwardingRule: status.forwardingRule,
    routeUid: status.routeUid,
    routeVersion: status.routeVersion,
    ready: "True",
    reason: "ProgrammingComplete",
    message: "",
    phaseStartedAt: now,
    lastMove: move,
    history: [move, ...(status.history ?? [])].slice(0, HISTORY_LIMIT),
  });
}

/** Journal when no Pod can hold the address. The reserved address and its rule stay; nobody is guessed (S2). Saying it twice changes nothing. */
export function unserved(status: AddressBindingStatus | undefined, message: string, now: string): AddressBindingStatus {
  if (status?.phase === "Unserved" && !status.holder && !status.next) return { ...status, message };
  const { lastMove, history, forwardingRule } = status ?? {};
  return prune({
    phase: "Unserved",
    generation: (status?.generation ?? 0) + 1,
    lastMove,
    history,
    forwardingRule,
    phaseStartedAt: now,
    ready: "False",
    reason: "NoPodsFound",
    message,
  });
}

/** Undefined members dropped, so that two equal journals compare equal. */
export const prune = <T extends object>(o: T): T => Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined)) as T;
