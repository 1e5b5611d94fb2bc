// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { podStatus, type ContainerState, type StatusInput } from "./pod-status";
import type { Pod } from "./pod-types";

const pod = (spec: Partial<Pod["spec"]> = {}, status?: Pod["status"]): Pod => ({
  metadata: { name: "p", namespace: "ns", uid: "u" },
  spec: { containers: [], ...spec },
  status,
});
const running = (ready: boolean, name = "main"): ContainerState => ({
  ...{ name, image: "i", restartCount: 0, ready, started: true },
  state: { running: { startedAt: "t0" } },
});
const ended = (exitCode: number): ContainerState => ({
  ...{ name: "main", image: "i", restartCount: 0, ready: false, started: false },
  state: { terminated: { exitCode, reason: "x", finishedAt: "t" } },
});
const status = (more: Partial<StatusInput>): ReturnType<typeof podStatus> =>
  podStatus({
    pod: pod(),
    containers: [running(true)],
    podIP: "10.0.0.1",
    hostIP: "10.1.0.1",
    startTime: "t0",
    before: [],
    now: "now",
    ...more,
  });
const ready = (of: ReturnType<typeof podStatus>): unknown => of.conditions.find((c) => c.type === "Ready");

describe("status of a Pod of processes", () => {
  it("is Ready only when every container is", () => {
    expect(ready(status({}))).to.include({ status: "True" });
    expect(ready(status({ containers: [running(true), running(false, "side")] }))).to.include({
      status: "False",
      reason: "ContainersNotReady",
    });
  });

  it("waits for readiness gates with the containers ready", () => {
    const gated = pod({ readinessGates: [{ conditionType: "x" }] });
    const waiting = status({ pod: gated });
    expect(ready(waiting)).to.include({ status: "False", reason: "ReadinessGatesNotReady" });
    expect(waiting.conditions.find((c) => c.type === "ContainersReady")).to.include({ status: "True" });
    expect(ready(status({ pod: { ...gated, status: { conditions: [{ type: "x", status: "True" }] } } }))).to.include({
      status: "True",
    });
  });

  it("keeps the transition time of what did not change", () => {
    const before = [{ type: "Ready", status: "True" as const, lastTransitionTime: "then" }];
    expect(ready(status({ before }))).to.include({ lastTransitionTime: "then" });
    expect(ready(status({ before, containers: [running(false)] }))).to.include({ lastTransitionTime: "now" });
  });

  it("runs on through restarts under Always, and is Succeeded or Failed otherwise", () => {
    expect(status({ containers: [ended(1)] })).to.include({ phase: "Running" });
    expect(status({ pod: pod({ restartPolicy: "Never" }), containers: [ended(0)] })).to.include({ phase: "Succeeded" });
    expect(status({ pod: pod({ restartPolicy: "Never" }), containers: [ended(1)] })).to.include({ phase: "Failed" });
    const waiting: ContainerState = { ...running(false), state: { waiting: { reason: "ContainerCreating" } } };
    expect(status({ containers: [waiting] })).to.include({ phase: "Pending" });
  });
});
