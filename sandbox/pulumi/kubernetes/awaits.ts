// SPDX-License-Identifier: Apache-2.0
// Built-in readiness per kind, as pure predicates over the live object. Kinds without an entry are done as soon as they exist:
// Service and PersistentVolumeClaim too, where the real provider waits for endpoints and binding.
import { at, textAt, type Json, type Props } from "../value";

export interface Verdict {
  ready: boolean;
  /** What is missing, in one line. */
  why: string;
}

export const ready: Verdict = { ready: true, why: "" };
export const waiting = (why: string): Verdict => ({ ready: false, why });

const BUILTIN: Readonly<Record<string, (live: Props) => Verdict>> = {
  "apps/Deployment": deployment,
  "apps/StatefulSet": statefulSet,
  "apps/DaemonSet": daemonSet,
  "batch/Job": job,
  "/Namespace": namespace,
  "/Pod": pod,
  "apiextensions.k8s.io/CustomResourceDefinition": crd,
};

/** Is the object done by the rule of its kind? */
export function builtinVerdict(live: Props): Verdict {
  const apiVersion = textAt(live, "apiVersion") ?? "";
  const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
  const rule = BUILTIN[`${group}/${textAt(live, "kind") ?? ""}`];
  return rule === undefined ? ready : rule(live);
}

const count = (live: Props, path: string, fallback = 0): number => {
  const v = at(live, path);
  return typeof v === "number" ? v : fallback;
};

/** The first of the rows `[what, have, want]` that falls short, as a verdict. */
function enough(rows: [string, number, number][]): Verdict {
  const short = rows.find(([, have, want]) => have < want);
  return short === undefined ? ready : waiting(`${short[0]}: ${short[1]} of ${short[2]}`);
}

function observed(live: Props): [string, number, number] {
  return ["observed generation", count(live, "status.observedGeneration"), count(live, "metadata.generation")];
}

function deployment(live: Props): Verdict {
  const want = count(live, "spec.replicas", 1);
  const total = count(live, "status.replicas");
  const updated = count(live, "status.updatedReplicas");
  const verdict = enough([
    observed(live),
    ["updated replicas", updated, want],
    ["available replicas", count(live, "status.availableReplicas"), want],
  ]);
  if (!verdict.ready) return waiting(`${verdict.why}${complaint(live, "Progressing")}${complaint(live, "ReplicaFailure")}`);
  return total > updated ? waiting(`old replicas left: ${total - updated}`) : ready;
}

function statefulSet(live: Props): Verdict {
  const want = count(live, "spec.replicas", 1);
  const partition = count(live, "spec.updateStrategy.rollingUpdate.partition");
  const onDelete = textAt(live, "spec.updateStrategy.type") === "OnDelete";
  const updated = onDelete ? 0 : Math.max(0, want - partition);
  return enough([
    observed(live),
    ["ready replicas", count(live, "status.readyReplicas"), want],
    ["updated replicas", updatedReplicas(live), updated],
  ]);
}

// The controller drops updatedReplicas once both revisions are the same.
function updatedReplicas(live: Props): number {
  const current = textAt(live, "status.currentRevision");
  const done = current !== undefined && current === textAt(live, "status.updateRevision");
  return done ? count(live, "status.replicas") : count(live, "status.updatedReplicas");
}

function daemonSet(live: Props): Verdict {
  const want = count(live, "status.desiredNumberScheduled");
  const onDelete = textAt(live, "spec.updateStrategy.type") === "OnDelete";
  return enough([
    observed(live),
    ["updated pods", count(live, "status.updatedNumberScheduled"), onDelete ? 0 : want],
    ["available pods", count(live, "status.numberAvailable"), want],
  ]);
}

function job(live: Props): Verdict {
  const failed = conditionStatus(live, "Failed") === "True" ? " (Failed)" : "";
  return conditionStatus(live, "Complete") === "True" ? ready : waiting(`condition Complete is not True${failed}`);
}

function namespace(live: Props): Verdict {
  const phase = textAt(live, "status.phase") ?? "unknown";
  return phase === "Active" ? ready : waiting(`phase is ${phase}`);
}

function pod(live: Props): Verdict {
  const phase = textAt(live, "status.phase") ?? "unknown";
  if (phase === "Succeeded" || conditionStatus(live, "Ready") === "True") return ready;
  return waiting(`phase is ${phase}, not Ready`);
}

function crd(live: Props): Verdict {
  const missing = ["NamesAccepted", "Established"].find((type) => conditionStatus(live, type) !== "True");
  return missing === undefined ? ready : waiting(`condition ${missing} is not True${complaint(live, missing)}`);
}

function condition(live: Props, type: string): Json | undefined {
  const list = at(live, "status.conditions");
  return Array.isArray(list) ? list.find((c) => textAt(c, "type") === type) : undefined;
}

const conditionStatus = (live: Props, type: string): string | undefined => textAt(condition(live, type), "status");

function complaint(live: Props, type: string): string {
  const found = condition(live, type);
  const bad = type === "ReplicaFailure" ? "True" : "False";
  return textAt(found, "status") === bad ? ` (${textAt(found, "reason") ?? type}: ${textAt(found, "message") ?? ""})` : "";
}
