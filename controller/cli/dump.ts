// SPDX-License-Identifier: Apache-2.0
// Everything that decisions are made from, as one JSON document: what `sysdump` writes, what `replay` reads, and what each other command takes
// from the live cluster. Of each object only the fields that a decision reads are kept: no containers, no environment, no Secrets.
import { ANNOTATION, KINDS, OWN_GROUP, type KubeObject } from "../api";
import type { CloudSnapshot } from "../compute";
import type { Settings } from "../core";
import { UsageError } from "./errors";

export const DUMP_KIND = "PersistentIpDump";
export const DUMP_VERSION = 1;
export type KindKey = keyof typeof KINDS;
export const KIND_KEYS = Object.keys(KINDS) as KindKey[];

export interface DumpSettings {
  project: string;
  region: string;
  clusterUid: string;
  datapath: Settings["datapath"];
  defaultNetwork: boolean;
}
export interface Dump {
  kind: typeof DUMP_KIND;
  version: typeof DUMP_VERSION;
  /** RFC 3339. */
  takenAt: string;
  server: { version: string };
  settings: DumpSettings;
  objects: { [K in KindKey]: KubeObject[] };
  /** Kinds that the API server does not serve. */
  missing: KindKey[];
  /** Kinds that this user may not list. */
  forbidden: KindKey[];
  /** Regional lists of Google Cloud, where they were asked for. */
  cloud?: CloudSnapshot;
  /** Metrics of the leader in Prometheus text form, where they could be reached. */
  metrics?: string;
}

type Bag = Record<string, unknown>;
const bag = (v: unknown): Bag => (typeof v === "object" && v !== null && !Array.isArray(v) ? (v as Bag) : {});
const pick = (from: unknown, keys: readonly string[]): Bag =>
  Object.fromEntries(keys.filter((k) => bag(from)[k] !== undefined).map((k) => [k, bag(from)[k]]));

const META = [
  ...["name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp"],
  ...["labels", "finalizers"],
];
const kept = (key: string): boolean =>
  key.startsWith(`${OWN_GROUP}/`) || (Object.values(ANNOTATION) as readonly string[]).includes(key);

function metaOf(raw: KubeObject, managedFields: boolean): Bag {
  const annotations = Object.entries(bag(bag(raw.metadata).annotations)).filter(([k]) => kept(k));
  // Who else decides about the route is read from the writers of its status.
  const writers = [bag(raw.metadata).managedFields].flat().filter((m) => bag(m).subresource === "status");
  return {
    ...pick(raw.metadata, META),
    ...(managedFields && writers.length > 0 ? { managedFields: writers } : {}),
    ...(annotations.length > 0 ? { annotations: Object.fromEntries(annotations) } : {}),
  };
}
const conditions = (status: unknown): Bag => ({
  conditions: [bag(status).conditions].flat().filter((c) => bag(c).type === "Ready"),
});

type Parts = (raw: { spec?: unknown; status?: unknown }) => Bag;
const whole: Parts = (raw) => pick(raw, ["spec", "status"]);
const PARTS: { [K in KindKey]: Parts } = {
  ...{
    route: whole,
    gateway: whole,
    gatewayClass: whole,
    network: whole,
    paramSet: whole,
    networkInterface: whole,
    binding: whole,
  },
  pod: ({ spec, status }) => ({
    spec: pick(spec, ["nodeName", "hostNetwork"]),
    status: { ...pick(status, ["phase"]), ...conditions(status) },
  }),
  node: ({ spec, status }) => ({ spec: pick(spec, ["providerID", "unschedulable", "taints"]), status: conditions(status) }),
  namespace: () => ({}),
};
/** The parts of an object that decisions read; test: a view made of them equals the view of the whole object. */
export const pruned = (kind: KindKey, raw: KubeObject): KubeObject =>
  ({
    metadata: metaOf(raw, kind === "route"),
    ...PARTS[kind](raw as { spec?: unknown; status?: unknown }),
  }) as unknown as KubeObject;

const list = (v: unknown, field: string): unknown[] => {
  if (Array.isArray(v)) return v;
  throw new UsageError(field, "must be a list; is this file from `kubectl persistent-ip sysdump`?");
};

/** Reads a dump. @throws UsageError naming the field that is wrong */
export function parseDump(text: string, file: string): Dump {
  let value: Bag;
  try {
    value = bag(JSON.parse(text));
  } catch (error) {
    throw new UsageError(file, `is not JSON (${(error as Error).message})`, { cause: error });
  }
  if (value.kind !== DUMP_KIND) throw new UsageError(`${file} kind`, `is ${JSON.stringify(value.kind)}, must be ${DUMP_KIND}`);
  if (value.version !== DUMP_VERSION)
    throw new UsageError(`${file} version`, `is ${JSON.stringify(value.version)}; this program reads version ${DUMP_VERSION}`);
  const objects = bag(value.objects);
  const read = (k: KindKey): KubeObject[] =>
    list(objects[k] ?? [], `${file} objects.${k}`).map((o, i) => {
      if (typeof bag(bag(o).metadata).name === "string") return o as KubeObject;
      throw new UsageError(`${file} objects.${k}[${i}].metadata.name`, "is missing");
    });
  return {
    ...(value as unknown as Dump),
    objects: Object.fromEntries(KIND_KEYS.map((k) => [k, read(k)])) as unknown as Dump["objects"],
    missing: list(value.missing ?? [], `${file} missing`) as KindKey[],
    forbidden: list(value.forbidden ?? [], `${file} forbidden`) as KindKey[],
  };
}
