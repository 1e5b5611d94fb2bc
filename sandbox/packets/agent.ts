// SPDX-License-Identifier: Apache-2.0
// Puts the node agent of datapath `linux` into a running cluster: the controller is told of it, and a DaemonSet runs the agent from the very
// bundle that the controller runs.
import type { ApiClient } from "../../controller/kubernetes/transport";
import { AGENT, AGENT_LABELS, agentRules, daemonSetSpec } from "../../components/nodeAgentPod";
import { NAMESPACE } from "../../controller/api";
import { until } from "./cluster-acts";

const CONTROLLER = "persistent-ip-controller";
const APPLY = { fieldManager: "sandbox", force: "true" };

interface Volume {
  name: string;
  configMap?: { name: string };
}
interface Deployment {
  spec: {
    template: {
      spec: { containers: { name: string; image: string; command: string[]; volumeMounts: object[] }[]; volumes: Volume[] };
    };
  };
}

/** Switches the controller over and starts the agent on every node. @throws Error when they do not come up */
export async function installAgent(client: ApiClient): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${CONTROLLER}`;
  const deployment = await client.request<Deployment>("GET", path);
  const [container] = deployment.spec.template.spec.containers;
  if (!container) throw new Error(`${CONTROLLER} has no container`);
  const at = container.command.indexOf("--datapath");
  if (at < 0) throw new Error(`${CONTROLLER} has no flag --datapath`);
  const command = container.command.map((word, i) => (i === at + 1 ? "linux" : word));
  const containers = [{ name: container.name, command }];
  await client.request("PATCH", path, {
    body: { spec: { template: { spec: { containers } } } },
    contentType: "application/strategic-merge-patch+json",
  });
  for (const object of manifests(container, deployment.spec.template.spec.volumes)) await apply(client, object);
  await until(90_000, "the agent runs on every node", () => isWhole(client));
}

interface Manifest {
  path: string;
  object: object;
}

async function apply(client: ApiClient, { path, object }: Manifest): Promise<void> {
  await client.request("PATCH", path, { body: object, contentType: "application/apply-patch+yaml", query: APPLY });
}

async function isWhole(client: ApiClient): Promise<boolean> {
  const path = `/apis/apps/v1/namespaces/${NAMESPACE}/daemonsets/${AGENT}`;
  const { status } = await client.request<{ status?: Record<string, number> }>("GET", path);
  const wanted = status?.["desiredNumberScheduled"] ?? 0;
  return wanted > 0 && status?.["numberReady"] === wanted;
}

/** The very objects that PodIpController makes with datapath Linux; only image, bundle and hash are the sandbox's. */
function manifests(container: Deployment["spec"]["template"]["spec"]["containers"][number], volumes: Volume[]): Manifest[] {
  const rbac = "rbac.authorization.k8s.io";
  const meta = { name: AGENT, labels: AGENT_LABELS };
  const inside = { ...meta, namespace: NAMESPACE };
  const configMap = volumes.find((v) => v.name === "bundle")?.configMap?.name;
  // node -e LOADER FILE HASH, then the subcommand.
  const sha256 = container.command[4];
  if (configMap === undefined || sha256 === undefined) throw new Error(`${CONTROLLER} runs no bundle from a ConfigMap`);
  const args = {
    region: "any",
    clusterName: "any",
    clusterLocation: "any",
    datapath: "Linux",
    nodeAgent: { image: container.image },
  } as const;
  const spec = daemonSetSpec({ args, sha256, configMap });
  const roleRef = { apiGroup: rbac, kind: "ClusterRole", name: AGENT };
  const subjects = [{ kind: "ServiceAccount", name: AGENT, namespace: NAMESPACE }];
  const space = `namespaces/${NAMESPACE}`;
  const objects: [path: string, object: { apiVersion: string; kind: string }][] = [
    [`/api/v1/${space}/serviceaccounts`, { apiVersion: "v1", kind: "ServiceAccount", ...{ metadata: inside } }],
    [
      `/apis/${rbac}/v1/clusterroles`,
      { apiVersion: `${rbac}/v1`, kind: "ClusterRole", ...{ metadata: meta, rules: agentRules() } },
    ],
    [
      `/apis/${rbac}/v1/clusterrolebindings`,
      { apiVersion: `${rbac}/v1`, kind: "ClusterRoleBinding", ...{ metadata: meta, roleRef, subjects } },
    ],
    [`/apis/apps/v1/${space}/daemonsets`, { apiVersion: "apps/v1", kind: "DaemonSet", ...{ metadata: inside, spec } }],
  ];
  return objects.map(([path, object]) => ({ path: `${path}/${AGENT}`, object }));
}
