// SPDX-License-Identifier: Apache-2.0
// When a workload counts as rolled out.
import { expect } from "chai";
import fc from "fast-check";
import type { Json, Props } from "../value";
import { builtinVerdict } from "./awaits";

const deployment = (status: Props, replicas: Json = 2, generation = 3): Props => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { generation },
  spec: { replicas },
  status,
});
const DONE = { observedGeneration: 3, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };

describe("built-in readiness", () => {
  it("a Deployment is done when the new generation is out, available, and no old replica is left", () => {
    expect(builtinVerdict(deployment(DONE)).ready).to.equal(true);
    expect(builtinVerdict(deployment({ ...DONE, observedGeneration: 2 })).why).to.equal("observed generation: 2 of 3");
    expect(builtinVerdict(deployment({ ...DONE, updatedReplicas: 1 })).why).to.equal("updated replicas: 1 of 2");
    expect(builtinVerdict(deployment({ ...DONE, replicas: 3 })).why).to.equal("old replicas left: 1");
    expect(builtinVerdict(deployment({})).ready).to.equal(false);
  });

  it("a Deployment that is stuck says why the controller thinks so", () => {
    const conditions = [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "timed out" }];
    const why = builtinVerdict(deployment({ ...DONE, availableReplicas: 0, conditions })).why;
    expect(why).to.equal("available replicas: 0 of 2 (ProgressDeadlineExceeded: timed out)");
  });

  it("a Deployment of zero replicas is done once it was observed", () => {
    expect(builtinVerdict(deployment({ observedGeneration: 3 }, 0)).ready).to.equal(true);
  });

  it("a Deployment is never done while any count falls short, and always when none does (any counts)", () => {
    const n = fc.nat(5);
    fc.assert(
      fc.property(n, n, n, n, (want, updated, available, extra) => {
        const status = {
          observedGeneration: 3,
          replicas: updated + extra,
          updatedReplicas: updated,
          availableReplicas: available,
        };
        const expected = updated >= want && available >= want && extra === 0;
        expect(builtinVerdict(deployment(status, want)).ready).to.equal(expected);
      }),
    );
  });

  it("a StatefulSet waits for ready replicas of the new revision, and only those above its partition", () => {
    const set = (status: Props, spec: Props = {}): Props => ({
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { generation: 1 },
      spec: { replicas: 3, ...spec },
      status,
    });
    const good = { observedGeneration: 1, replicas: 3, readyReplicas: 3, updatedReplicas: 3 };
    expect(builtinVerdict(set(good)).ready).to.equal(true);
    expect(builtinVerdict(set({ ...good, updatedReplicas: 1 })).why).to.equal("updated replicas: 1 of 3");
    const partition = { updateStrategy: { rollingUpdate: { partition: 2 } } };
    expect(builtinVerdict(set({ ...good, updatedReplicas: 1 }, partition)).ready).to.equal(true);
    const settled = { observedGeneration: 1, replicas: 3, readyReplicas: 3, currentRevision: "a", updateRevision: "a" };
    expect(builtinVerdict(set(settled)).ready).to.equal(true);
  });

  it("a DaemonSet waits for every scheduled Pod, and is done where no node wants one", () => {
    const set = (status: Props): Props => ({
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { generation: 1 },
      status: { observedGeneration: 1, ...status },
    });
    expect(builtinVerdict(set({ desiredNumberScheduled: 0 })).ready).to.equal(true);
    expect(builtinVerdict(set({ desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1 })).why).to.equal(
      "available pods: 1 of 2",
    );
  });

  it("a CRD waits until it is established, a Namespace until it is active", () => {
    const crd = (conditions: Json): Props => ({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      status: { conditions },
    });
    const accepted = { type: "NamesAccepted", status: "True" };
    expect(builtinVerdict(crd([accepted])).why).to.equal("condition Established is not True");
    expect(builtinVerdict(crd([accepted, { type: "Established", status: "True" }])).ready).to.equal(true);
    const refused = { type: "NamesAccepted", status: "False", reason: "Conflict", message: "taken" };
    expect(builtinVerdict(crd([refused])).why).to.equal("condition NamesAccepted is not True (Conflict: taken)");
    expect(builtinVerdict({ apiVersion: "v1", kind: "Namespace", status: { phase: "Terminating" } }).ready).to.equal(false);
  });

  it("any other kind is done as soon as it exists, a foreign Deployment too", () => {
    expect(builtinVerdict({ apiVersion: "v1", kind: "Service", spec: { type: "LoadBalancer" } }).ready).to.equal(true);
    expect(builtinVerdict({ apiVersion: "example.com/v1", kind: "Deployment", metadata: { generation: 1 } }).ready).to.equal(
      true,
    );
  });
});
