// SPDX-License-Identifier: Apache-2.0
// Small facts about an object: its id, its identity, what of it goes into the state.
import { at, compact, isRecord, textAt, UNKNOWN, type Props } from "../value";

/** Id as the real provider writes it: `namespace/name`, or `name` for a cluster-scoped object. */
export function idOf(live: Props): string {
  const namespace = textAt(live, "metadata.namespace");
  const name = textAt(live, "metadata.name") ?? "";
  return namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;
}

/** Only what names the object; the second argument fills what the first lacks. */
export function identityOf(object: Props, other: Props = {}): Props {
  const pick = (path: string): string | undefined => textAt(object, path) ?? textAt(other, path);
  return compact({
    apiVersion: pick("apiVersion"),
    kind: pick("kind"),
    metadata: compact({ name: pick("metadata.name"), namespace: pick("metadata.namespace") }),
  });
}

/** True for a `...Patch` resource: its type ends in Patch while its kind does not. */
export function isPatch(q: { type: string; inputs: Props }): boolean {
  const kind = textAt(q.inputs, "kind") ?? "";
  return q.type.endsWith(`:${kind}Patch`);
}

/** The live object as the state keeps it. */
export function stored(live: Props): Props {
  if (!isRecord(live.metadata)) return live;
  const { managedFields: _managedFields, ...metadata } = live.metadata;
  return { ...live, metadata };
}

// The dry run makes these up; the update will make up others.
const MADE_UP = ["uid", "resourceVersion", "creationTimestamp", "generation"];
const ALLOCATED = ["clusterIP", "clusterIPs", "healthCheckNodePort"];

/** Outputs of a planned create: the server's defaults are known, what it makes up per object is not. */
export function previewed(dryRun: Props, inputs: Props): Props {
  const out = stored(dryRun);
  delete out.status; // absent outputs are unknown in a preview
  const metadata: Props = { ...(isRecord(out.metadata) ? out.metadata : {}) };
  for (const key of MADE_UP) metadata[key] = UNKNOWN;
  const spec = out.spec;
  if (textAt(out, "kind") !== "Service" || !isRecord(spec)) return { ...out, metadata };
  const allocated = ALLOCATED.filter((key) => key in spec && at(inputs, `spec.${key}`) === undefined);
  return { ...out, metadata, spec: { ...spec, ...Object.fromEntries(allocated.map((key) => [key, UNKNOWN])) } };
}
