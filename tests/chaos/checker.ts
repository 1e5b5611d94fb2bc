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
  const nodes = new Map<string, string>();
  const addresses = new Map<string, string>();
  // A rule names its address by the reservation's URL.
  const reserved = new Map<string, string>();
  return log.flatMap((e): RuleWrite[] => {
    const { methodId, at, path, request } = e;
    if (e.status !== 200) return [];
    const body = (request ?? {}) as Record<string, unknown>;
    const rule = methodId === "compute.forwardingRules.insert" ? String(body.name) : (path.split("/forwardingRules/")[1] ?? "");
    const name = rule.split("/")[0] ?? "";
    switch (methodId) {
      case "compute.addresses.insert":
        reserved.set(String(body.name), String(body.address));
        return [];
      case "compute.targetInstances.insert":
        nodes.set(String(body.name), lastPart(body.instance));
        return [];
      case "compute.forwardingRules.insert":
        addresses.set(name, reserved.get(lastPart(body.IPAddress)) ?? String(body.IPAddress));
        return [write("insert", body.target)];
      case "compute.forwardingRules.setTarget":
        return [write("setTarget", body.target)];
      case "compute.forwardingRules.delete":
        return [write("delete", "")];
      default:
        return [];
    }
    function write(kind: RuleWrite["kind"], target: unknown): RuleWrite {
      return { at, kind, rule: name, address: addresses.get(name) ?? "", node: nodes.get(lastPart(target)) ?? "" };
    }
  });
}

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
