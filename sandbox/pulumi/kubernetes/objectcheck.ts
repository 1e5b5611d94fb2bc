// SPDX-License-Identifier: Apache-2.0
// Check of one object: names it where the program did not, and refuses what cannot be sent to an API server at all.
import type { CheckInput, Checked, Failure } from "../provider";
import { at, isRecord, isUnknown, textAt, type Props } from "../value";
import { isPatch } from "./object";

const AUTONAMED = "pulumi.com/autonamed";
const REMOTE = /^kubernetes:(helm\.sh|yaml|kustomize)/;

/** Inputs with a name. `suffix` gives eight random hex digits. */
export function checkObject(q: CheckInput, suffix: () => string): Checked {
  const metadata: Props = isRecord(q.news.metadata) ? { ...q.news.metadata } : {};
  const hasName = metadata.name !== undefined || metadata.generateName !== undefined;
  const failure = refusal(q, hasName);
  if (failure !== undefined) return { inputs: q.news, failures: [failure] };
  return { inputs: { ...q.news, metadata: hasName ? metadata : named(q, metadata, suffix) } };
}

function refusal(q: CheckInput, hasName: boolean): Failure | undefined {
  const kind = textAt(q.news, "kind") ?? "";
  if (REMOTE.test(q.type)) {
    return { property: "", reason: `${q.type} needs the real kubernetes plugin; the sandbox only applies single objects` };
  }
  const missing = ["apiVersion", "kind"].find((key) => !isUnknown(q.news[key]) && !textAt(q.news, key));
  if (missing !== undefined) {
    return { property: missing, reason: `${missing} is missing; it must be a string such as "v1" or "ConfigMap"` };
  }
  if (kind.endsWith("List") && at(q.news, "items") !== undefined) {
    return { property: "kind", reason: `${kind} is a list; register each of its items as a resource of its own` };
  }
  if (hasName || !isPatch({ type: q.type, inputs: q.news })) return undefined;
  return { property: "metadata.name", reason: "a Patch resource must name the object it patches" };
}

function named(q: CheckInput, metadata: Props, suffix: () => string): Props {
  const old = at(q.olds, "metadata.annotations");
  const kept = isRecord(old) && old[AUTONAMED] === "true" ? textAt(q.olds, "metadata.name") : undefined;
  const annotations: Props = isRecord(metadata.annotations) ? metadata.annotations : {};
  const name = kept ?? q.proposedName ?? `${q.name.toLowerCase()}-${suffix()}`;
  return { ...metadata, name, annotations: { ...annotations, [AUTONAMED]: "true" } };
}
