// SPDX-License-Identifier: Apache-2.0
// The controller's Deployment as data: what runs, how it is watched, and how little it may do. Pure.
import type * as pulumi from "@pulumi/pulumi";
import { CONTROLLER } from "../controller/api";
import type { ControllerResourcesArgs, PodIpControllerArgs } from "./argsPods";
import { HEALTH_PORT, METRICS_PORT } from "./flags";
import { LOADER } from "./loader";

export const IMAGE = "docker.io/library/node:24-slim";
export const PRIORITY_CLASS = "system-cluster-critical";
export const LABELS = { "app.kubernetes.io/name": CONTROLLER, "app.kubernetes.io/part-of": "gke-persistent-ip" };
const MOUNT = "/bundle";
export const BUNDLE_FILE = "controller.js.br";

const UNITS: { [unit: string]: number } = { "": 1, k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };
/** Bytes of a Kubernetes memory quantity; undefined where it is not one. */
export function memoryBytes(quantity: string): number | undefined {
  const m = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|k|M|G)?$/.exec(quantity);
  return m ? Number(m[1]) * UNITS[m[2] ?? ""]! : undefined;
}
/** Heap in MiB: three quarters of the limit, so that buffers and code have room beside it. */
export const heapMiB = (limit: string): number => Math.floor(((memoryBytes(limit) ?? 0) * 0.75) / 2 ** 20);

export interface ResourceValues {
  cpu: string;
  memory: string;
  memoryLimit: string;
}
export const resourcesOf = (r: ControllerResourcesArgs | undefined): ResourceValues => ({
  cpu: r?.cpu ?? "100m",
  memory: r?.memory ?? "128Mi",
  memoryLimit: r?.memoryLimit ?? "256Mi",
});

const fromField = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const probe = (path: string, periodSeconds: number, failureThreshold: number) => ({
  httpGet: { path, port: "health" },
  periodSeconds,
  timeoutSeconds: 3,
  failureThreshold,
});
const spread = (topologyKey: string) => ({
  maxSkew: 1,
  topologyKey,
  whenUnsatisfiable: "ScheduleAnyway",
  labelSelector: { matchLabels: { "app.kubernetes.io/name": CONTROLLER } },
});

export interface PodFacts {
  args: PodIpControllerArgs;
  sha256: string;
  configMap: string;
  flags: pulumi.Input<string>[];
}

function container({ args, sha256, flags }: PodFacts) {
  const { cpu, memory, memoryLimit } = resourcesOf(args.resources);
  return {
    name: "controller",
    image: args.image ?? IMAGE,
    // The hash stands in the template: another bundle rolls the Pods, the same one changes nothing.
    command: ["node", "-e", LOADER, `${MOUNT}/${BUNDLE_FILE}`, sha256, "controller", ...flags],
    env: [
      { name: "NODE_OPTIONS", value: `--max-old-space-size=${heapMiB(memoryLimit)}` },
      fromField("POD_NAME", "metadata.name"),
      fromField("POD_NAMESPACE", "metadata.namespace"),
      fromField("NODE_NAME", "spec.nodeName"),
    ],
    ports: [
      { name: "health", containerPort: HEALTH_PORT },
      { name: "metrics", containerPort: METRICS_PORT },
    ],
    // The CRDs of a new cluster can be minutes late: the start is given time, readiness tells when they are served.
    startupProbe: probe("/healthz", 2, 60),
    readinessProbe: probe("/readyz", 5, 3),
    livenessProbe: probe("/healthz", 10, 3),
    resources: { requests: { cpu, memory }, limits: { memory: memoryLimit } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: 65532,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    },
    volumeMounts: [{ name: "bundle", mountPath: MOUNT, readOnly: true }],
  };
}

/** Spec of the Deployment. */
export function deploymentSpec(facts: PodFacts) {
  const priority = facts.args.priorityClass ?? PRIORITY_CLASS;
  return {
    replicas: facts.args.replicas ?? 2,
    selector: { matchLabels: { "app.kubernetes.io/name": CONTROLLER } },
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    template: {
      metadata: { labels: LABELS },
      spec: {
        serviceAccountName: CONTROLLER,
        automountServiceAccountToken: true,
        ...(priority === "" ? {} : { priorityClassName: priority }),
        terminationGracePeriodSeconds: 30,
        securityContext: { runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, seccompProfile: { type: "RuntimeDefault" } },
        topologySpreadConstraints: [spread("topology.kubernetes.io/zone"), spread("kubernetes.io/hostname")],
        containers: [container(facts)],
        volumes: [{ name: "bundle", configMap: { name: facts.configMap } }],
      },
    },
  };
}
