// SPDX-License-Identifier: Apache-2.0
// What `check` looks at: a dump, and the few reads besides. Each read that is refused is an answer, not an end.
import { KINDS, LEASE, NAMESPACE, type KubeObject } from "../api";
import { isComputeError, type CloudSnapshot } from "../compute";
import { isApiError, type ApiClient } from "../kubernetes";
import { KIND_KEYS, type Dump } from "./dump";
import { explain, type Explanation } from "./explain";
import { controllerMetrics, fabricOf, gather, type GatherOptions } from "./gather";
import type { ControllerFacts } from "./settings";
import { worldOf, type DumpWorld } from "./world";

export interface CrdFact {
  name: string;
  /** False: not there. Undefined: may not be read. */
  here: boolean | undefined;
  labels: Record<string, string>;
  managers: string[];
}
export interface AccessFact {
  verb: string;
  resource: string;
  allowed: boolean;
}
/** Reading Google Cloud: not asked for, refused with a code, or the lists. */
export type CloudFact =
  { state: "not-asked" } | { state: "refused"; code: string; message: string } | { state: "read"; snapshot: CloudSnapshot };
export interface CheckInput {
  dump: Dump;
  dw: DumpWorld;
  explained: Explanation[];
  facts: ControllerFacts;
  crds: CrdFact[];
  access: AccessFact[];
  lease?: { holder: string; renewed?: string; seconds: number };
  cloud: CloudFact;
  /** Milliseconds since 1970. */
  now: number;
}

const orUndefined = <T>(work: Promise<T>): Promise<T | undefined> =>
  work.catch((error: unknown) => {
    if (isApiError(error, "NotFound") || isApiError(error, "Forbidden")) return undefined;
    throw error;
  });

const CRD_KINDS = [KINDS.route, KINDS.network, KINDS.paramSet, KINDS.gateway, KINDS.gatewayClass, KINDS.binding];
type Managed = KubeObject & { metadata: { managedFields?: { manager?: string; subresource?: string }[] } };
async function crdFact(client: ApiClient, name: string): Promise<CrdFact> {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
  try {
    const { metadata } = await client.request<Managed>("GET", path);
    const writers = (metadata.managedFields ?? []).filter((m) => m.subresource === undefined);
    const managers = [...new Set(writers.flatMap((m) => m.manager ?? []))];
    return { name, here: true, labels: metadata.labels ?? {}, managers };
  } catch (error) {
    const none = { name, labels: {}, managers: [] };
    if (isApiError(error, "NotFound")) return { ...none, here: false };
    if (isApiError(error, "Forbidden")) return { ...none, here: undefined };
    throw error;
  }
}

/** What the user of this command line needs: to read every kind, and to ask for moves. */
const ACCESS = [...KIND_KEYS.map((k) => ({ verb: "list", kind: KINDS[k] })), { verb: "patch", kind: KINDS.route }];
async function accessFact(client: ApiClient, { verb, kind }: (typeof ACCESS)[number]): Promise<AccessFact> {
  const resourceAttributes = { verb, group: kind.group, resource: kind.plural };
  const body = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec: { resourceAttributes } };
  const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const { status } = await client.request<{ status?: { allowed?: boolean } }>("POST", path, { body });
  return { verb, resource: `${kind.plural}${kind.group === "" ? "" : `.${kind.group}`}`, allowed: status?.allowed === true };
}

interface Lease {
  spec?: { holderIdentity?: string; renewTime?: string; leaseDurationSeconds?: number };
}
async function leaseFact(client: ApiClient): Promise<CheckInput["lease"]> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/${LEASE}`;
  const spec = (await orUndefined(client.request<Lease>("GET", path)))?.spec;
  if (!spec?.holderIdentity) return undefined;
  const renewed = spec.renewTime === undefined ? {} : { renewed: spec.renewTime };
  return { holder: spec.holderIdentity, seconds: spec.leaseDurationSeconds ?? 15, ...renewed };
}

async function cloudFact(o: GatherOptions, dump: Dump): Promise<CloudFact> {
  if (o.cloud.project === undefined) return { state: "not-asked" };
  try {
    return { state: "read", snapshot: await fabricOf(dump.settings, o.cloud, o).snapshot() };
  } catch (error) {
    if (isComputeError(error)) return { state: "refused", code: error.code, message: error.message };
    throw error;
  }
}

/** Reads everything that the items look at. @throws ApiError where the API server itself cannot be asked */
export async function checkInput(o: GatherOptions): Promise<CheckInput> {
  const { client } = o;
  // The settings want the project that was asked for; Google Cloud itself is read below, where a refusal is an answer.
  const [{ dump: bare, facts }, crds, access, lease, metrics] = await Promise.all([
    gather({ ...o, cloud: { ...o.cloud, project: undefined } }),
    Promise.all(CRD_KINDS.map((k) => crdFact(client, `${k.plural}.${k.group}`))),
    Promise.all(ACCESS.map((a) => accessFact(client, a))),
    leaseFact(client),
    controllerMetrics(client),
  ]);
  const settings = { ...bare.settings, ...(o.cloud.project === undefined ? {} : { project: o.cloud.project }) };
  const known: Dump = { ...bare, settings, ...(metrics === undefined ? {} : { metrics }) };
  const cloud = await cloudFact(o, known);
  const dump: Dump = cloud.state === "read" ? { ...known, cloud: cloud.snapshot } : known;
  const [dw, explained] = [await worldOf(dump), await explain(dump, undefined, "default")];
  return { dump, dw, explained, facts, crds, access, cloud, now: o.now, ...(lease ? { lease } : {}) };
}
