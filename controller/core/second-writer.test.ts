// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { secondWriterMessage, statusWriters } from "./second-writer";

const OURS = "persistent-ip-controller";
const conditions = (...types: string[]): object => ({
  "f:conditions": Object.fromEntries(types.map((type) => [`k:${JSON.stringify({ type })}`, { ".": {}, "f:status": {} }])),
});
const entry = (manager: string, status: object, over: object = {}): object => ({
  manager,
  operation: "Update",
  apiVersion: "networking.gke.io/v1",
  fieldsType: "FieldsV1",
  fieldsV1: { "f:status": status },
  subresource: "status",
  ...over,
});
const others = (...entries: unknown[]): string[] => statusWriters(entries, OURS).others;

describe("A second writer of a route's status (DESIGN 6)", () => {
  for (const type of ["Accepted", "GCPReady", "IPRouteGCPReady", "Ready"])
    it(`is whoever owns condition ${type}`, () => {
      expect(others(entry("gke-controller", conditions(type)))).to.deep.equal(["gke-controller"]);
    });
  it("is whoever owns status.pods, be it by apply or by update", () => {
    expect(others(entry("gke", { "f:pods": {} }), entry("other", { "f:pods": {} }, { operation: "Apply" }))).to.deep.equal([
      "gke",
      "other",
    ]);
  });
  it("is named once, however many entries it has", () => {
    expect(others(entry("gke", { "f:pods": {} }), entry("gke", conditions("Ready")))).to.deep.equal(["gke"]);
  });

  const harmless: [what: string, entries: unknown[]][] = [
    ["we ourselves are", [entry(OURS, { "f:pods": {}, ...conditions("Accepted", "Ready") })]],
    ["GKE's node agent, which owns DPV2Ready alone, is", [entry("cilium-agent", conditions("DPV2Ready"))]],
    ["somebody with a condition of another type is", [entry("policy", conditions("Audited"))]],
    [
      "a person with kubectl edit or patch is (T3)",
      [entry("kubectl-edit", { "f:pods": {} }), entry("kubectl", conditions("Ready"))],
    ],
    ["a manager that left nothing behind is (T3)", [entry("gke", {}), entry("gke", { "f:conditions": {} })]],
    ["a manager of the spec alone is", [entry("pulumi", {}, { subresource: undefined, fieldsV1: { "f:spec": {} } })]],
    ["the API server's placeholder is", [entry("before-first-apply", { "f:pods": {} })]],
    [
      "nobody is: entries that cannot be read",
      [null, 7, "x", { manager: 1 }, entry("x", { "f:conditions": { "k:{": {}, "v:1": {} } })],
    ],
  ];
  for (const [what, entries] of harmless) it(`${what} none`, () => expect(others(...entries)).to.deep.equal([]));

  it("is nobody where nothing is recorded", () => {
    expect(statusWriters(undefined, OURS)).to.deep.equal({ others: [], own: false });
  });
  it("tells whether we have written ourselves", () => {
    const mine = entry(OURS, conditions("Accepted"), { operation: "Apply" });
    expect(statusWriters([mine, entry("gke", { "f:pods": {} })], OURS)).to.deep.equal({ others: ["gke"], own: true });
  });
  it("is named in a sentence with both ways out", () => {
    const said = secondWriterMessage(["gke", "other"]);
    for (const part of ["gke, other", "GkeManaged", "Observe", "--subresource=status"]) expect(said).to.include(part);
  });
});
