// SPDX-License-Identifier: Apache-2.0
// What the stages do is shown on a real API server (tests/world); here only that their text is whole.
import { expect } from "chai";
import { parseAllDocuments } from "yaml";
import { stagesYaml } from "./stages";

interface Stage {
  metadata: { name: string };
  spec: {
    resourceRef: { kind: string };
    selector: { matchExpressions: { key: string; operator: string; values?: string[] }[] };
    next: { delete?: boolean; statusTemplate?: string };
  };
}
const stages = (leaveAlone: string[] | "all"): Stage[] => parseAllDocuments(stagesYaml(leaveAlone)).map((d) => d.toJS() as Stage);

describe("stages", () => {
  it("leave Pods of the given namespaces alone, in every Pod stage", () => {
    const pods = stages(["mine"]).filter((stage) => stage.spec.resourceRef.kind === "Pod");
    expect(pods.length).to.be.greaterThan(5);
    for (const pod of pods) {
      expect(pod.spec.selector.matchExpressions, pod.metadata.name).to.deep.include({
        key: ".metadata.namespace",
        operator: "NotIn",
        values: ["mine"],
      });
    }
    expect(stagesYaml([])).not.to.contain("key: .metadata.namespace");
  });

  it("leave every Pod alone where something else runs them all, but are there: without any kwok takes its own", () => {
    const pods = stages("all").filter((stage) => stage.spec.resourceRef.kind === "Pod");
    expect(pods.length).to.be.greaterThan(5);
    for (const pod of pods)
      expect(pod.spec.selector.matchExpressions, pod.metadata.name).to.deep.include({
        key: ".metadata.namespace",
        operator: "DoesNotExist",
      });
  });

  it("have names of their own and either write a status or delete", () => {
    const all = stages([]);
    expect(new Set(all.map((stage) => stage.metadata.name)).size).to.equal(all.length);
    for (const stage of all) expect(Object.keys(stage.spec.next), stage.metadata.name).to.have.length(1);
  });
});
