// SPDX-License-Identifier: Apache-2.0
// What is certain of a Pod and what is not.
import { expect } from "chai";
import { podFindings, podReach, type ContainerView, type PodSpecView } from "./rules-pod";

const dropping = (...drop: string[]): ContainerView => ({ name: "app", securityContext: { capabilities: { drop } } });
const init = (value: unknown): ContainerView => ({
  name: "persistent-ip",
  env: [{ name: "PERSISTENT_IPS", value }],
  securityContext: { capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] } },
});
const codes = (spec: PodSpecView, ...addresses: string[]): string[] =>
  podFindings(podReach(spec), addresses, "pod").map((f) => f.code);

describe("rules for a Pod that is to hold an address", () => {
  it("PodCannotAnswer: no container may add an address or read packets by itself (SEED-74, SEED-77)", () => {
    expect(codes({ containers: [dropping("ALL")] }, "34.123.10.1")).to.deep.equal(["PodCannotAnswer"]);
    expect(codes({ containers: [dropping("NET_RAW")] }, "34.123.10.1")).to.deep.equal(["PodCannotAnswer"]);
    expect(codes({ containers: [dropping("CAP_NET_RAW")] }, "34.123.10.1")).to.deep.equal(["PodCannotAnswer"]);
  });

  it("says nothing where an application may have its own way: raw sockets, NET_ADMIN, a privileged container (SEED-77, SEED-78)", () => {
    expect(codes({ containers: [{ name: "app" }] }, "34.123.10.1")).to.deep.equal([]);
    expect(codes({ containers: [dropping("ALL"), { name: "stack" }] }, "34.123.10.1")).to.deep.equal([]);
    const raw = { name: "app", securityContext: { capabilities: { drop: ["ALL"], add: ["NET_RAW"] } } };
    expect(codes({ containers: [raw] }, "34.123.10.1")).to.deep.equal([]);
    expect(codes({ containers: [{ name: "app", securityContext: { privileged: true } }] }, "34.123.10.1")).to.deep.equal([]);
    expect(codes({ containers: [dropping("ALL")], initContainers: [init("34.123.10.1")] }, "34.123.10.1")).to.deep.equal([]);
  });

  it("PodNotPrepared: the helper's init container lists other addresses than the route (SEED-7, SEED-57)", () => {
    const spec = { containers: [dropping("ALL")], initContainers: [init("34.123.10.1 34.123.10.2")] };
    expect(codes(spec, "34.123.10.1", "34.123.10.2")).to.deep.equal([]);
    const [found] = podFindings(podReach(spec), ["34.123.10.1", "34.123.10.3"], "Pod a");
    expect(found?.code).to.equal("PodNotPrepared");
    expect(found?.message).to.contain("puts on 34.123.10.1, 34.123.10.2 and not 34.123.10.3");
  });

  it("takes fields of any shape for absent (E22)", () => {
    const odd = [{}, { containers: 5 }, { containers: [null] }, { initContainers: [init({})], containers: [{ env: "x" }] }];
    for (const spec of odd) expect(codes(spec as never, "34.123.10.1")).to.deep.equal([]);
  });
});
