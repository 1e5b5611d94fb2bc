// SPDX-License-Identifier: Apache-2.0
// What every Kubernetes object has, and where it lives on the API server. Generic on purpose: this room knows no type of ours.

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: unknown[];
}

export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

export interface KubeList<T extends KubeObject = KubeObject> {
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  items: T[] | null;
}

export interface ResourceKind {
  /** "" for the core group. */
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
}

/** Which object is meant; `namespace` only for namespaced kinds. */
export interface ObjectRef {
  namespace?: string;
  name: string;
}

/** `apiVersion` of a kind: `v1`, `apps/v1`. */
export function apiVersionOf(k: ResourceKind): string {
  return k.group === "" ? k.version : `${k.group}/${k.version}`;
}

/**
 * Path of a collection, an object or a sub-resource.
 * @throws RangeError when a name is given for a namespaced kind without its namespace, or a sub-resource without a name
 */
export function resourcePath(k: ResourceKind, namespace?: string, name?: string, subresource?: string): string {
  checkPath(k, namespace, name, subresource);
  const root = k.group === "" ? "/api" : `/apis/${k.group}`;
  const scope = k.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  const object = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  return `${root}/${k.version}${scope}/${k.plural}${object}${subresource === undefined ? "" : `/${subresource}`}`;
}

function checkPath(k: ResourceKind, namespace?: string, name?: string, subresource?: string): void {
  if (k.namespaced && name !== undefined && !namespace)
    throw new RangeError(`${k.kind} "${name}": namespace is missing, the kind is namespaced`);
  if (subresource !== undefined && name === undefined)
    throw new RangeError(`${k.kind}: subresource "${subresource}" needs a name`);
}

/** Key in stores and queues: `namespace/name`, or `name` for a cluster-scoped object. */
export function keyOf(object: KubeObject | ObjectRef): string {
  const meta = "metadata" in object ? object.metadata : object;
  return meta.namespace ? `${meta.namespace}/${meta.name ?? ""}` : (meta.name ?? "");
}

/** The other way round of `keyOf`. */
export function refOf(key: string): ObjectRef {
  const slash = key.indexOf("/");
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
