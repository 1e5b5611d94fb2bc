// SPDX-License-Identifier: Apache-2.0
// The real parts that these suites play with: a control plane with our CRDs and the controller's rendered rights, kubelets by kwok, GKE's node
// agents, and the Compute emulator. Controllers are started beside it as processes of their own (replica.ts), each behind its own proxies.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONTROLLER, NAMESPACE } from "../../controller/api";
import { addressBindingCrd, gkeIpRouteCrd } from "../../controller/api/crds";
import type { ApiClient } from "../../controller/kubernetes";
import { clusterRules, ownRules } from "../../components/rbac";
import { startControlPlane, type ControlPlane } from "../../sandbox/controlplane";
import { startEmulator, type Emulator } from "../../sandbox/emulator";
import { computeLookup, startGke, type Gke } from "../../sandbox/gke";
import { simulatedNodes, type NodeRuntime } from "../../sandbox/nodes";
import { findTools, type Tools } from "../../sandbox/tools";
import { eventually } from "../support/clients";

export const PROJECT = "sandbox-project";
export const REGION = "us-central1";
export const ZONES = ["us-central1-a", "us-central1-b"] as const;

export interface LabOptions {
  /** Number of simulated nodes (default 3). */
  nodes?: number;
  /** How long an operation of the emulator takes, milliseconds (default 40). */
  latencyMs?: number;
  extraApiServerFlags?: string[];
  /** False: no kubelets by kwok; whoever needs Pods writes their status. */
  kubelets?: boolean;
}
export interface Lab {
  readonly dir: string;
  readonly tools: Tools;
  readonly plane: ControlPlane;
  readonly admin: ApiClient;
  readonly emulator: Emulator;
  readonly gke: Gke;
  readonly nodes: NodeRuntime;
  /** What the controllers' service account asked of the API server: one JSON object a line. */
  readonly auditLog: string;
  /** A new token of the controller's service account. */
  token(): Promise<string>;
  /** One REST call to the emulator as a user would make it; waits for its operation. */
  cloud<T = Record<string, unknown>>(method: string, path: string, body?: object): Promise<T>;
  /** Runs first at `stop`, the latest first. */
  onStop(work: () => Promise<unknown>): void;
  stop(): Promise<void>;
}

/** The programs, or a skipped suite. Call in `before`. */
export async function toolsOrSkip(context: Mocha.Context): Promise<Tools> {
  const found = await findTools(["kubernetes"]);
  if ("tools" in found) return found.tools;
  console.log(`      skipped: no ${found.missing.join(", ")}; run \`npx ts-node sandbox/tools/main.ts\` first`);
  return context.skip();
}

/** @throws ProcessError with the tail of the log of the program that did not start */
export async function startLab(tools: Tools, o: LabOptions = {}): Promise<Lab> {
  const dir = await mkdtemp(join(tmpdir(), "chaos-"));
  const auditLog = join(dir, "audit.log");
  const extraApiServerFlags = [...(await auditing(dir, auditLog)), ...(o.extraApiServerFlags ?? [])];
  const plane = await startControlPlane({ dir: join(dir, "plane"), tools, extraApiServerFlags });
  const emulator = await startEmulator({ project: PROJECT, operationLatencyMs: o.latencyMs ?? 40 });
  const lookup = computeLookup({ baseUrl: `${emulator.url}compute/v1`, project: PROJECT, region: REGION });
  const gke = startGke({ controlPlane: plane, tools, lookup });
  const logs = join(dir, "log");
  await mkdir(logs, { recursive: true });
  const nodes = simulatedNodes({ controlPlane: plane, tools, dir, logs, listeners: [gke] });
  await gke.ready;
  await installOurs(plane.admin);
  if (o.kubelets !== false) await Promise.all(nodeNames(o.nodes ?? 3).map((name, i) => addNode({ emulator, nodes }, name, i)));
  const stops: (() => Promise<unknown>)[] = [];
  return {
    ...{ dir, tools, plane, admin: plane.admin, emulator, gke, nodes, auditLog },
    token: () => newToken(plane.admin),
    cloud: (method, path, body) => cloudCall(emulator, method, path, body),
    onStop: (work) => void stops.unshift(work),
    async stop() {
      for (const work of stops) await work();
      gke.stop();
      await nodes.stop();
      await plane.stop();
      await emulator.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export const nodeNames = (count: number): string[] => Array.from({ length: count }, (_, i) => `node-${i + 1}`);

async function addNode({ emulator, nodes }: Pick<Lab, "emulator" | "nodes">, name: string, index: number): Promise<void> {
  const zone = ZONES[index % ZONES.length]!;
  const vm = emulator.putInstance({ name, zone });
  const internalIP = vm.networkInterfaces[0]!.networkIP;
  await nodes.add({ name, zone, region: REGION, project: PROJECT, pool: "main", networks: [], internalIP });
}

async function auditing(dir: string, log: string): Promise<string[]> {
  const policy = {
    apiVersion: "audit.k8s.io/v1",
    kind: "Policy",
    omitStages: ["RequestReceived"],
    rules: [{ level: "Metadata", userGroups: [`system:serviceaccounts:${NAMESPACE}`] }, { level: "None" }],
  };
  const file = join(dir, "audit-policy.json");
  await writeFile(file, JSON.stringify(policy));
  return [`--audit-policy-file=${file}`, `--audit-log-path=${log}`, "--audit-log-mode=blocking"];
}

/** Our CRDs, and the namespace, account and roles as the component renders them. */
async function installOurs(admin: ApiClient): Promise<void> {
  for (const crd of [gkeIpRouteCrd(), addressBindingCrd()])
    await admin.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", { body: crd });
  await admin.request("POST", "/api/v1/namespaces", { body: { metadata: { name: NAMESPACE } } });
  await admin.request("POST", `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, { body: { metadata: { name: CONTROLLER } } });
  const rendered = { gkeClasses: true, observe: false };
  const subjects = [{ kind: "ServiceAccount", name: CONTROLLER, namespace: NAMESPACE }];
  const metadata = { name: CONTROLLER };
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const roleRef = (kind: string): object => ({ apiGroup: "rbac.authorization.k8s.io", kind, name: CONTROLLER });
  await admin.request("POST", `${rbac}/clusterroles`, { body: { metadata, rules: clusterRules(rendered) } });
  await admin.request("POST", `${rbac}/clusterrolebindings`, { body: { metadata, subjects, roleRef: roleRef("ClusterRole") } });
  const own = `${rbac}/namespaces/${NAMESPACE}`;
  await admin.request("POST", `${own}/roles`, { body: { metadata, rules: ownRules(rendered) } });
  await admin.request("POST", `${own}/rolebindings`, { body: { metadata, subjects, roleRef: roleRef("Role") } });
  const plurals = ["gkeiproutes", "addressbindings"] as const;
  const groups = { gkeiproutes: "networking.gke.io/v1", addressbindings: "gke-persistent-ip.dev/v1alpha1" };
  for (const plural of plurals) await eventually(() => admin.request("GET", `/apis/${groups[plural]}/${plural}`));
}

async function newToken(admin: ApiClient): Promise<string> {
  const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${CONTROLLER}/token`;
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 3600 } };
  return (await admin.request<{ status: { token: string } }>("POST", path, { body })).status.token;
}

async function cloudCall<T>(emulator: Emulator, method: string, path: string, body?: object): Promise<T> {
  const send = async (verb: string, at: string, content?: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${emulator.url}compute/v1/projects/${PROJECT}/${at}`, {
      method: verb,
      headers: { "content-type": "application/json", "user-agent": "test" },
      ...(content ? { body: JSON.stringify(content) } : {}),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Error(`${verb} ${at}: ${JSON.stringify(answer)}`);
    return answer;
  };
  let answer = await send(method, path, body);
  while (answer.kind === "compute#operation" && answer.status !== "DONE")
    answer = await send("POST", `${String(answer.selfLink).split(`/projects/${PROJECT}/`)[1]}/wait`);
  return answer as T;
}
