// SPDX-License-Identifier: Apache-2.0
// The parts of a Pod (core/v1) that the process runner understands.
import type { KubeObject } from "../../controller/kubernetes/resources";

export interface KeyToPath {
  key: string;
  path: string;
}

export interface VolumeSource {
  configMap?: { name?: string; items?: KeyToPath[]; optional?: boolean };
  secret?: { name?: string; secretName?: string; items?: KeyToPath[]; optional?: boolean };
  downwardAPI?: { items?: DownwardItem[] };
  serviceAccountToken?: { path: string; expirationSeconds?: number; audience?: string };
}

export interface DownwardItem {
  path: string;
  fieldRef?: { fieldPath: string };
}

export interface Volume extends VolumeSource {
  name: string;
  emptyDir?: object;
  projected?: { sources?: VolumeSource[] };
  hostPath?: { path: string };
}

export interface KeyRef {
  name?: string;
  key: string;
  optional?: boolean;
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: {
    fieldRef?: { fieldPath: string };
    resourceFieldRef?: { resource: string; containerName?: string };
    configMapKeyRef?: KeyRef;
    secretKeyRef?: KeyRef;
  };
}

export interface ContainerPort {
  name?: string;
  containerPort: number;
}

export interface ProbeAction {
  httpGet?: {
    path?: string;
    port: number | string;
    scheme?: string;
    host?: string;
    httpHeaders?: { name: string; value: string }[];
  };
  tcpSocket?: { port: number | string };
  exec?: { command?: string[] };
  sleep?: { seconds: number };
}

export interface Probe extends ProbeAction {
  initialDelaySeconds?: number;
  periodSeconds?: number;
  timeoutSeconds?: number;
  successThreshold?: number;
  failureThreshold?: number;
}

export interface Container {
  name: string;
  image?: string;
  command?: string[];
  args?: string[];
  workingDir?: string;
  env?: EnvVar[];
  envFrom?: {
    prefix?: string;
    configMapRef?: { name: string; optional?: boolean };
    secretRef?: { name: string; optional?: boolean };
  }[];
  ports?: ContainerPort[];
  volumeMounts?: { name: string; mountPath: string; subPath?: string }[];
  resources?: { limits?: Record<string, string>; requests?: Record<string, string> };
  startupProbe?: Probe;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  lifecycle?: { preStop?: ProbeAction };
}

export interface PodCondition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

export interface Pod extends KubeObject {
  metadata: KubeObject["metadata"] & { name: string; namespace: string; uid: string; deletionGracePeriodSeconds?: number };
  spec: {
    nodeName?: string;
    serviceAccountName?: string;
    hostNetwork?: boolean;
    initContainers?: Container[];
    restartPolicy?: "Always" | "OnFailure" | "Never";
    terminationGracePeriodSeconds?: number;
    containers: Container[];
    volumes?: Volume[];
    readinessGates?: { conditionType: string }[];
  };
  status?: {
    phase?: string;
    podIP?: string;
    hostIP?: string;
    startTime?: string;
    conditions?: PodCondition[];
    containerStatuses?: { name: string; restartCount?: number }[];
  };
}

/** Something in a Pod that this runner cannot do; shown as the container's waiting reason. */
export class PodError extends Error {
  readonly code = "PodNotRunnable";
  readonly retry = true;
  constructor(
    readonly reason: string,
    message: string,
  ) {
    super(message);
    this.name = "PodError";
  }
}
