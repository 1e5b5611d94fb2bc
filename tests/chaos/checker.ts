// SPDX-License-Identifier: Apache-2.0
// Holds what was really sent to Google Cloud against the journal of each address: every rule was made for, or pointed at, the node that the
// journal named at that time, generations never went back, and no address ever had two rules. Pure.
import type { AddressBinding } from "../../controller/api";
import type { Exchange } from "../../sandbox/emulator";

/** One version of a journal, as a watch of the test's own saw it. */
export interface Version {
  /** Milliseconds since the epoch when it was seen; it was written shortly before. */
  seenAt: number;
  address: string;
  generation: number;
  phase: string;
  /** Nodes that the version lets the cloud point at. */
  nodes: string[];
}
/** A mutation of a forwarding rule that had its effect. */
export interface RuleWrite {
  at: number;
  kind: "insert" | "setTarget" | "delete";
  rule: string;
  address: string;
  node: string;
}
export interface Report {
  inserts: number;
  setTargets: number;
  deletes: number;
  /** One sentence for each thing that must not be. */
  wrong: string[];
}

/** Longest that the test's watch may lag behind the API server, milliseconds. */
const LAG_MS = 1_500;

export function versionOf({ spec, status }: AddressBinding, seenAt: number): Version {
  const nodes = [status?.holder, status?.next].flatMap((holder) => (holder ? [holder.node] : []));
  return { seenAt, address: spec.address, generation: status?.generation ?? 0, phase: status?.phase ?? "", nodes };
}

const lastPart = (url: unknown): string => String(url).split("/").at(-1) ?? "";

/** Mutations of rules of ours out of the emulator's log. Target instances tell their node by the insert that made them. */
export function ruleWrites(log: readonly Exchange[]): RuleWrite[] {
  const names: Names = { nodes: new Map(), addresses: new Map(), reserved: new Map() };
  return log.flatMap((e) => (e.status === 200 ? (READERS[e.methodId]?.(e, bodyOf(e), names) ?? []) : []));
}

interface Names {
  /** Node by target instance. */
  nodes: Map<string, string>;
  /** Address by rule. */
  addresses: Map<string, string>;
  /** Address by reservation: a rule names its address by the reservation's URL. */
  reserved: Map<string, string>;
}
type Body = Record<string, unknown>;
const bodyOf = ({ request }: Exchange): Body => (request ?? {}) as Body;
const ruleOf = ({ path }: Exchange): string => path.split("/forwardingRules/")[1]?.split("/")[0] ?? "";
type Where = Pick<RuleWrite, "at" | "rule">;
const written = (kind: RuleWrite["kind"], { at, rule }: Where, target: unknown, names: Names): RuleWrite[] => [
  { at, kind, rule, address: names.addresses.get(rule) ?? "", node: names.nodes.get(lastPart(target)) ?? "" },
];
const READERS: Record<string, (e: Exchange, body: Body, names: Names) => RuleWrite[]> = {
  "compute.addresses.insert": (_e, { name, address }, { reserved }) => {
    reserved.set(String(name), String(address));
    return [];
  },
  "compute.targetInstances.insert": (_e, { name, instance }, { nodes }) => {
    nodes.set(String(name), lastPart(instance));
    return [];
  },
  "compute.forwardingRules.insert": ({ at }, { name, IPAddress, target }, names) => {
    const rule = String(name);
    names.addresses.set(rule, names.reserved.get(lastPart(IPAddress)) ?? String(IPAddress));
    return written("insert", { at, rule }, target, names);
  },
  "compute.forwardingRules.setTarget": (e, { target }, names) =>
    written("setTarget", { at: e.at, rule: ruleOf(e) }, target, names),
  "compute.forwardingRules.delete": (e, _body, names) => written("delete", { at: e.at, rule: ruleOf(e) }, "", names),
};

/** Judges every write to a rule. */
export function check(log: readonly Exchange[], history: readonly Version[]): Report {
  const writes = ruleWrites(log);
  const wrong: string[] = [];
  const living = new Map<string, Set<string>>();
  const reached = new Map<string, number>();
  for (const write of writes) {
    const rules = living.get(write.address) ?? new Set<string>();
    living.set(write.address, rules);
    if (write.kind === "delete") {
      rules.delete(write.rule);
      continue;
    }
    rules.add(write.rule);
    if (rules.size > 1) wrong.push(`${write.address} has two rules at ${write.at}: ${[...rules].join(", ")}`);
    const last = reached.get(write.address) ?? 0;
    const generations = possible(write, history);
    const next = generations.find((g) => g >= last);
    if (generations.length === 0) wrong.push(`${describe(write)}, which the journal did not name: ${around(write, history)}`);
    else if (next === undefined)
      wrong.push(`${describe(write)} of generation ${generations.join()} after one of generation ${last}`);
    else reached.set(write.address, next);
  }
  const of = (kind: RuleWrite["kind"]): number => writes.filter((w) => w.kind === kind).length;
  return { inserts: of("insert"), setTargets: of("setTarget"), deletes: of("delete"), wrong };
}

/** Generations under which the write was right: of versions that may have been current when it arrived. Ascending. */
function possible(write: RuleWrite, history: readonly Version[]): number[] {
  const versions = history.filter((v) => v.address === write.address);
  const current = versions.filter((v, i) => v.seenAt - LAG_MS <= write.at && write.at <= (versions[i + 1]?.seenAt ?? Infinity));
  const generations = current.filter((v) => v.nodes.includes(write.node)).map((v) => v.generation);
  return [...new Set(generations)].sort((a, b) => a - b);
}

const describe = ({ kind, address, node, at }: RuleWrite): string => `${kind} of ${address} to ${node || "?"} at ${at}`;
function around(write: RuleWrite, history: readonly Version[]): string {
  const near = history.filter((v) => v.address === write.address && Math.abs(v.seenAt - write.at) < 5_000);
  return JSON.stringify(near.map(({ seenAt, generation, phase, nodes }) => [seenAt - write.at, generation, phase, ...nodes]));
}

/** Journals whose generation went back. */
export function backwards(history: readonly Version[]): string[] {
  const last = new Map<string, number>();
  return history.flatMap((v) => {
    const before = last.get(v.address) ?? 0;
    last.set(v.address, v.generation);
    return v.generation < before ? [`${v.address}: generation ${v.generation} after ${before}`] : [];
  });
}
