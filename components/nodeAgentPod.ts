// SPDX-License-Identifier: Apache-2.0
// The node agent's DaemonSet as data, and its rights: hostNetwork and NET_ADMIN, nothing else. tests/packets/rights.test.ts shows that this is
// enough, and that less is not. Pure.
import { OWN_GROUP } from "../controller/api";
import type { PodIpControllerArgs } from "./argsPods";
import { BUNDLE_FILE } from "./controllerPod";
import { LOADER } from "./loader";
import type { Rule } from "./rbac";

export const AGENT = "persistent-ip-agent";
export const AGENT_PRIORITY = "system-node-critical";
export const AGENT_LABELS = { "app.kubernetes.io/name": AGENT, "app.kubernetes.io/part-of": "gke-persistent-ip" };
const SYS_NET = "/host/proc/sys/net";
/** On the node itself, for the agent has its network: numbers that neither Kubernetes nor its usual add-ons use. Probes stay on loopback. */
export const AGENT_HEALTH_PORT = 9651;
export const AGENT_METRICS_PORT = 9652;

const READ = ["list", "watch"];
/** Journals and Pods are read; of the journals only the agent's own entry of the status is written. */
export const agentRules = (): Rule[] => [
  { apiGroups: [OWN_GROUP], resources: ["addressbindings"], verbs: READ },
  { apiGroups: [OWN_GROUP], resources: ["addressbindings/status"], verbs: ["patch"] },
  { apiGroups: [""], resources: ["pods"], verbs: READ },
  { apiGroups: [""], resources: ["nodes"], verbs: READ },
];

/** Flags in a fixed order. */
export function agentFlags(args: Pick<PodIpControllerArgs, "nodeAgent" | "logLevel">): string[] {
  const networks = Object.entries(args.nodeAgent?.networks ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    "--proc-sys-net",
    SYS_NET,
    "--log-level",
    args.logLevel ?? "info",
    "--health-port",
    String(AGENT_HEALTH_PORT),
    "--metrics-port",
    String(AGENT_METRICS_PORT),
    ...networks.flatMap(([name, nic]) => ["--network", `${name}=${nic}`]),
  ];
}

export interface AgentFacts {
  args: PodIpControllerArgs;
  sha256: string;
  configMap: string;
}
const probe = (path: string, periodSeconds: number, failureThreshold: number) => ({
  httpGet: { path, port: "health", host: "127.0.0.1" },
  periodSeconds,
  timeoutSeconds: 3,
  failureThreshold,
});
function container({ args, sha256 }: AgentFacts) {
  return {
    name: "agent",
    image: args.nodeAgent!.image,
    command: ["node", "-e", LOADER, `/bundle/${BUNDLE_FILE}`, sha256, "agent", ...agentFlags(args)],
    env: [
      { name: "NODE_OPTIONS", value: "--max-old-space-size=96" },
      { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
    ],
    ports: [
      { name: "health", containerPort: AGENT_HEALTH_PORT },
      { name: "metrics", containerPort: AGENT_METRICS_PORT },
    ],
    // Not alive: no pass came to its end for minutes. What is in the kernel stays while the container starts again.
    startupProbe: probe("/healthz", 2, 60),
    readinessProbe: probe("/readyz", 5, 3),
    livenessProbe: probe("/healthz", 10, 3),
    resources: { requests: { cpu: "20m", memory: "96Mi" }, limits: { memory: "192Mi" } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      // A capability takes effect for another user only where the program file carries it.
      runAsUser: 0,
      capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] },
      seccompProfile: { type: "RuntimeDefault" },
    },
    volumeMounts: [
      { name: "bundle", mountPath: "/bundle", readOnly: true },
      { name: "sys-net", mountPath: SYS_NET },
    ],
  };
}

/** Spec of the DaemonSet. */
export function daemonSetSpec(facts: AgentFacts) {
  return {
    selector: { matchLabels: { "app.kubernetes.io/name": AGENT } },
    // An agent that is away changes nothing, so several nodes may be updated at once.
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "10%" } },
    template: {
      metadata: { labels: AGENT_LABELS },
      spec: {
        serviceAccountName: AGENT,
        automountServiceAccountToken: true,
        priorityClassName: AGENT_PRIORITY,
        hostNetwork: true,
        dnsPolicy: "Default",
        // Every node may have a Pod with an address, whatever keeps others away from it.
        tolerations: [{ operator: "Exists" }],
        nodeSelector: { "kubernetes.io/os": "linux" },
        terminationGracePeriodSeconds: 10,
        containers: [container(facts)],
        volumes: [
          { name: "bundle", configMap: { name: facts.configMap } },
          // A container's own /proc/sys is read-only; this shows the devices of the node's network namespace only.
          { name: "sys-net", hostPath: { path: "/proc/sys/net", type: "Directory" } },
        ],
      },
    },
  };
}
