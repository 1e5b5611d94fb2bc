// SPDX-License-Identifier: Apache-2.0
// Takes a dump of a live cluster: one list a kind, and the regional lists of Google Cloud where a project is given. Reads only.
import { CONTROLLER, KINDS, NAMESPACE, type KubeObject } from "../api";
import { createFabric, type Fabric } from "../compute";
import { isApiError, listAll, resourcePath, systemClock, type ApiClient, type Logger } from "../kubernetes";
import { DUMP_KIND, DUMP_VERSION, KIND_KEYS, pruned, type Dump, type DumpSettings, type KindKey } from "./dump";
import { UsageError } from "./errors";
import { controllerFacts, settingsOf, type CloudFlags, type ControllerFacts } from "./settings";

export interface GatherOptions {
  client: ApiClient;
  /** Google Cloud is read only where a project is named here. */
  cloud: CloudFlags;
  now: number;
  uuid: () => string;
  /** Kinds to list; default all. The others are empty. */
  kinds?: readonly KindKey[];
  logger?: Logger;
}
export interface Gathered {
  dump: Dump;
  facts: ControllerFacts;
}

type Listed = { items: KubeObject[] } | { missing: true } | { forbidden: true };
async function list(client: ApiClient, kind: KindKey): Promise<Listed> {
  const items: KubeObject[] = [];
  try {
    const options = { client, path: resourcePath(KINDS[kind]), keepManagedFields: kind === "route" };
    await listAll(options, (o) => void items.push(pruned(kind, o as KubeObject)));
    return { items };
  } catch (error) {
    if (isApiError(error, "NotFound")) return { missing: true };
    if (isApiError(error, "Forbidden")) return { forbidden: true };
    throw error;
  }
}

/** Identity of the cluster in labels of cloud objects; empty where it may not be read. */
async function clusterUid(client: ApiClient): Promise<string> {
  try {
    return (await client.request<KubeObject>("GET", "/api/v1/namespaces/kube-system")).metadata.uid ?? "";
  } catch (error) {
    if (isApiError(error, "Forbidden")) return "";
    throw error;
  }
}

/** A client for Google Cloud as the controller has one. @throws UsageError where region or cluster are not known */
export function fabricOf(s: DumpSettings, asked: CloudFlags, o: Pick<GatherOptions, "uuid" | "logger">): Fabric {
  if (s.region === "") throw new UsageError("--region", "is not known here; no node and no controller tells it");
  if (s.clusterUid === "")
    throw new UsageError("--project", "cannot be used: namespace kube-system may not be read, so its UID is not known");
  const { computeEndpoint, computeAuth = "adc", networkProject } = asked;
  return createFabric(
    {
      ...{ project: s.project, region: s.region, clusterUid: s.clusterUid, auth: computeAuth },
      ...(computeEndpoint === undefined ? {} : { rootUrl: computeEndpoint.replace(/\/*$/, "/") }),
      ...(networkProject === undefined ? {} : { networkProject }),
    },
    { clock: systemClock, random: Math.random, uuid: o.uuid, ...(o.logger ? { logger: o.logger } : {}) },
  );
}

/** Reads everything that decisions are made from. @throws ApiError, ComputeError, UsageError */
export async function gather(o: GatherOptions): Promise<Gathered> {
  const { client, cloud: asked } = o;
  const kinds = o.kinds ?? KIND_KEYS;
  const [version, uid, facts, ...listed] = await Promise.all([
    client.request<{ minor: string; gitVersion: string }>("GET", "/version"),
    clusterUid(client),
    controllerFacts(client),
    ...kinds.map((k) => list(client, k)),
  ]);
  const at = (k: KindKey): Listed => listed[kinds.indexOf(k)] ?? { items: [] };
  const items = (k: KindKey): KubeObject[] => ((l) => ("items" in l ? l.items : []))(at(k));
  const minor = Number.parseInt(version.minor, 10);
  const settings = settingsOf({ facts, nodes: items("node"), asked, clusterUid: uid, minor });
  const cloud = asked.project === undefined ? undefined : await fabricOf(settings, asked, o).snapshot();
  const dump: Dump = {
    kind: DUMP_KIND,
    version: DUMP_VERSION,
    takenAt: new Date(o.now).toISOString(),
    server: { version: version.gitVersion },
    settings,
    objects: Object.fromEntries(KIND_KEYS.map((k) => [k, items(k)])) as unknown as Dump["objects"],
    missing: kinds.filter((k) => "missing" in at(k)),
    forbidden: kinds.filter((k) => "forbidden" in at(k)),
    ...(cloud ? { cloud } : {}),
  };
  return { dump, facts };
}

/** Metrics of the controller's Pods through the API server's proxy; undefined where none answers. */
export async function controllerMetrics(client: ApiClient, namespace = NAMESPACE): Promise<string | undefined> {
  const query = { labelSelector: `app.kubernetes.io/name=${CONTROLLER}` };
  const pods = await client
    .request<{ items: KubeObject[] }>("GET", resourcePath(KINDS.pod, namespace), { query })
    .catch(() => ({ items: [] }));
  const texts = await Promise.all(
    pods.items.map(({ metadata: { name } }) =>
      client
        .request<Buffer>("GET", `/api/v1/namespaces/${namespace}/pods/${name}:8080/proxy/metrics`, {
          raw: true,
          timeoutMs: 3_000,
        })
        .then((b) => `# Pod ${name}\n${b.toString("utf8")}`)
        .catch(() => undefined),
    ),
  );
  const read = texts.filter((t): t is string => t !== undefined);
  return read.length > 0 ? read.join("\n") : undefined;
}
