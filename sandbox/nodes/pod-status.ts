// SPDX-License-Identifier: Apache-2.0
// The status that a kubelet would report for a Pod, from what is known of its containers. Pure.
import type { Pod, PodCondition } from "./pod-types";

export interface ContainerState {
  name: string;
  image: string;
  restartCount: number;
  ready: boolean;
  started: boolean;
  state: { waiting: { reason: string; message?: string } } | { running: { startedAt: string } } | { terminated: Terminated };
  lastTermination?: Terminated;
}

export interface Terminated {
  exitCode: number;
  signal?: number;
  reason: string;
  startedAt?: string;
  finishedAt: string;
}

export interface StatusInput {
  pod: Pod;
  containers: ContainerState[];
  podIP: string;
  hostIP: string;
  startTime: string;
  /** Conditions reported last time: an unchanged one keeps its transition time. */
  before: readonly PodCondition[];
  now: string;
}

/** Body of a strategic merge patch of the status. */
export function podStatus(input: StatusInput): Record<string, unknown> & { conditions: PodCondition[] } {
  const ready = input.containers.every((container) => container.ready);
  const gates = unmetGates(input.pod);
  const containers: [boolean, string] = [ready, ready ? "" : "ContainersNotReady"];
  const whole: [boolean, string] = ready && gates.length > 0 ? [false, "ReadinessGatesNotReady"] : containers;
  return {
    phase: phaseOf(input),
    hostIP: input.hostIP,
    podIP: input.podIP,
    podIPs: [{ ip: input.podIP }],
    startTime: input.startTime,
    conditions: [
      condition(input, "PodReadyToStartContainers", [true, ""]),
      condition(input, "Initialized", [true, ""]),
      condition(input, "ContainersReady", containers),
      condition(input, "Ready", whole),
    ],
    containerStatuses: input.containers.map(containerStatus),
  };
}

function phaseOf({ pod, containers }: StatusInput): string {
  const ended = containers.map((c) => ("terminated" in c.state ? c.state.terminated : undefined));
  const policy = pod.spec.restartPolicy ?? "Always";
  if (policy !== "Always" && ended.every((t) => t !== undefined)) {
    return ended.every((t) => t?.exitCode === 0) ? "Succeeded" : "Failed";
  }
  const everRan = containers.some((c) => !("waiting" in c.state) || c.restartCount > 0);
  return everRan ? "Running" : "Pending";
}

function unmetGates(pod: Pod): string[] {
  const set = new Set(pod.status?.conditions?.filter((c) => c.status === "True").map((c) => c.type));
  return (pod.spec.readinessGates ?? []).map((gate) => gate.conditionType).filter((type) => !set.has(type));
}

function condition({ before, now }: StatusInput, type: string, [value, reason]: [boolean, string]): PodCondition {
  const status = value ? "True" : "False";
  const old = before.find((c) => c.type === type);
  const lastTransitionTime = old?.status === status && old.lastTransitionTime ? old.lastTransitionTime : now;
  return { type, status, reason, message: "", lastTransitionTime };
}

function containerStatus(container: ContainerState): object {
  // A strategic merge keeps what it is not told about, so the states that do not apply are named as null.
  const none = { waiting: null, running: null, terminated: null };
  return {
    name: container.name,
    image: container.image,
    imageID: container.image,
    ready: container.ready,
    started: container.started,
    restartCount: container.restartCount,
    state: { ...none, ...container.state },
    lastState: container.lastTermination ? { ...none, terminated: container.lastTermination } : {},
  };
}
