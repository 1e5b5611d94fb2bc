// SPDX-License-Identifier: Apache-2.0
// The table from facts to conditions: every row of api.md 7, and nothing True that was not observed.
import { expect } from "chai";
import * as fc from "fast-check";
import { ROUTE_REASONS, type Condition } from "../api";
import type { Acceptance } from "./accept";
import { routeStatus, type AddressProgress, type RouteFacts } from "./conditions";
import { refusal } from "./refusal";

const accepted: Acceptance = {
  accepted: true,
  addresses: ["34.123.10.1", "34.123.10.2"].map((address) => ({ address, scope: "External", gateway: "default/gw" })),
  network: { name: "blue-network", type: "L3", vpc: "blue-vpc" },
};
const agent = (status: Condition["status"], over: Partial<Condition> = {}): Condition => ({
  type: "DPV2Ready",
  status,
  reason: status === "True" ? "DPV2Ready" : "DPV2NotReady",
  message: "",
  observedGeneration: 4,
  lastTransitionTime: "2026-01-01T00:00:00Z",
  ...over,
});
const each = (state: AddressProgress["state"], message?: string): AddressProgress[] =>
  ["34.123.10.1", "34.123.10.2"].map((address) => ({ address, state, ...(message ? { message } : {}) }));
const facts = (over: Partial<RouteFacts> = {}): RouteFacts => ({
  generation: 4,
  acceptance: accepted,
  pod: "proxy-1",
  addresses: each("held"),
  datapath: agent("True"),
  resetDatapath: false,
  datapathIsOurs: false,
  clean: false,
  ...over,
});
const row = (f: RouteFacts): string[] => routeStatus(f).conditions.map((c) => `${c.status}/${c.reason}`);
const message = (f: RouteFacts, type: string): string => routeStatus(f).conditions.find((c) => c.type === type)!.message;

describe("The conditions of a route", () => {
  const refused = refusal("GatewayNotFound", "Gateway default/gw does not exist");
  const OK = "True/Accepted";
  const table: [title: string, f: RouteFacts, expected: [string, string, string, string]][] = [
    [
      "all is done (SEED-82, SEED-93, SEED-95..SEED-97)",
      facts(),
      [OK, "True/GCPReady", "True/DPV2Ready", "True/ProgrammingComplete"],
    ],
    [
      "not accepted, something is left (SEED-95)",
      facts({ acceptance: refused }),
      ["False/GatewayNotFound", "False/GCPNotReady", "False/DPV2NotReady", "False/GatewayNotFound"],
    ],
    [
      "not accepted, all is clean (E37, E38)",
      facts({ acceptance: refused, clean: true }),
      ["False/GatewayNotFound", "False/CleanupComplete", "False/DPV2NotReady", "False/GatewayNotFound"],
    ],
    [
      "no Pod (SEED-83, S2)",
      facts({ pod: undefined, noPods: "none", addresses: each("unserved") }),
      [OK, "False/NoPodsFound", "False/NoPodsFound", "False/NoPodsFound"],
    ],
    [
      "a move has begun (SEED-91, SEED-92)",
      facts({ addresses: each("moving"), resetDatapath: true }),
      [OK, "False/Mutated", "False/Mutated", "False/Mutated"],
    ],
    [
      "the node is proven, the cloud is under way (E59)",
      facts({ addresses: each("moving") }),
      [OK, "False/Mutated", "True/DPV2Ready", "False/Mutated"],
    ],
    [
      "one of two addresses is under way (E61)",
      facts({ addresses: [each("held")[0]!, each("moving")[1]!] }),
      [OK, "False/Mutated", "True/DPV2Ready", "False/Mutated"],
    ],
    [
      "nothing is known of any address yet (T6)",
      facts({ addresses: [] }),
      [OK, "False/Mutated", "True/DPV2Ready", "False/Mutated"],
    ],
    [
      "nothing is known of the second address yet (T6)",
      facts({ addresses: [each("held")[0]!] }),
      [OK, "False/Mutated", "True/DPV2Ready", "False/Mutated"],
    ],
    [
      "the cloud refuses (SEED-97, E31)",
      facts({ addresses: each("failed", "not reserved") }),
      [OK, "False/GCPFailed", "True/DPV2Ready", "False/GCPFailed"],
    ],
    [
      "the cloud refuses one of two addresses",
      facts({ addresses: [each("moving")[0]!, each("failed", "quota")[1]!] }),
      [OK, "False/GCPFailed", "True/DPV2Ready", "False/GCPFailed"],
    ],
    [
      "the node agent has said nothing yet",
      facts({ datapath: undefined }),
      [OK, "True/GCPReady", "False/Mutated", "False/Mutated"],
    ],
    [
      "the node agent reports an error (SEED-96)",
      facts({ datapath: agent("False", { message: "map is full" }) }),
      [OK, "True/GCPReady", "False/DPV2NotReady", "False/DPV2NotReady"],
    ],
    [
      "the node agent does not know",
      facts({ datapath: agent("Unknown", { reason: "Pending" }) }),
      [OK, "True/GCPReady", "False/Pending", "False/Pending"],
    ],
    [
      "DPV2Ready is about to be reset (E60)",
      facts({ resetDatapath: true }),
      [OK, "True/GCPReady", "False/Mutated", "False/Mutated"],
    ],
    [
      "DPV2Ready is of an older generation (E60, T1)",
      facts({ datapath: agent("True", { observedGeneration: 3 }) }),
      [OK, "True/GCPReady", "False/Mutated", "False/Mutated"],
    ],
    [
      "DPV2Ready does not say of which generation it is (E60)",
      facts({ datapath: agent("True", { observedGeneration: undefined }) }),
      [OK, "True/GCPReady", "False/Mutated", "False/Mutated"],
    ],
    [
      "the device is the Pod's own (SEED-13)",
      facts({ datapathIsOurs: true, datapath: undefined }),
      [OK, "True/GCPReady", "True/DPV2Ready", "True/ProgrammingComplete"],
    ],
  ];
  for (const [title, f, expected] of table)
    it(`are ${expected.join(", ")} when ${title}`, () => expect(row(f)).to.deep.equal(expected));

  it("do not call it ready that there is nothing to be ready (invariant 3)", () =>
    expect(row(facts({ acceptance: { ...accepted, addresses: [] }, addresses: [] }))[1]).to.equal("False/Mutated"));

  it("stand in one order and carry the generation of the facts (T1)", () => {
    for (const generation of [1, 2, 9]) {
      const { conditions } = routeStatus(facts({ generation }));
      expect(conditions.map((c) => c.type)).to.deep.equal(["Accepted", "GCPReady", "DPV2Ready", "Ready"]);
      expect(conditions.every((c) => c.observedGeneration === generation)).to.equal(true);
    }
  });

  it("name the Pod only where the route is accepted and one is chosen (T6)", () => {
    expect(routeStatus(facts()).pods).to.deep.equal(["proxy-1"]);
    expect(routeStatus(facts({ pod: undefined })).pods).to.deep.equal([]);
    expect(routeStatus(facts({ acceptance: refused })).pods).to.deep.equal([]);
  });

  it("carry the messages that help to find the problem (SEED-94, SEED-98)", () => {
    expect(message(facts({ acceptance: refused }), "Accepted")).to.equal("Gateway default/gw does not exist");
    expect(message(facts({ addresses: [each("held")[0]!, each("failed", "quota")[1]!] }), "GCPReady")).to.equal(
      "34.123.10.2: quota",
    );
    expect(message(facts({ datapath: agent("False", { message: "map is full" }) }), "Ready")).to.equal("map is full");
    expect(message(facts({ addresses: [each("held")[0]!] }), "GCPReady")).to.equal("programming 34.123.10.2 for Pod proxy-1");
    expect(message(facts({ pod: undefined, noPods: "no Pod matches" }), "Ready")).to.equal("no Pod matches");
    expect(message(facts({ advice: "no firewall rule lets anything in" }), "GCPReady")).to.contain("no firewall rule");
    expect(message(facts(), "Ready")).to.equal("");
  });

  it("cut a message to what the schema takes", () =>
    expect(message(facts({ addresses: each("failed", "x".repeat(40000)) }), "GCPReady").length).to.equal(32768));

  const serves = (f: RouteFacts): boolean => f.acceptance.accepted && f.pod !== undefined;
  const held = (f: RouteFacts): boolean =>
    ["34.123.10.1", "34.123.10.2"].every((a) => f.addresses.some((p) => p.address === a && p.state === "held"));
  const observed = (f: RouteFacts): boolean =>
    f.datapathIsOurs || (!f.resetDatapath && f.datapath?.status === "True" && f.datapath.observedGeneration === f.generation);
  it("are never True without the fact, whatever else is the case (invariant 3)", () => {
    const progress = fc.array(
      fc.record({
        address: fc.constantFrom("34.123.10.1", "34.123.10.2", "9.9.9.9"),
        state: fc.constantFrom("held", "moving", "failed", "unserved"),
      }),
      { maxLength: 4 },
    ) as fc.Arbitrary<AddressProgress[]>;
    const any = fc.record({
      generation: fc.integer({ min: 1, max: 3 }),
      acceptance: fc.constantFrom(accepted, refused as Acceptance),
      pod: fc.constantFrom(undefined, "proxy-1"),
      addresses: progress,
      datapath: fc
        .option(
          fc.record({ status: fc.constantFrom("True", "False", "Unknown"), observedGeneration: fc.integer({ min: 1, max: 3 }) }),
          { nil: undefined },
        )
        .map((d) => d && agent(d.status, { observedGeneration: d.observedGeneration })),
      resetDatapath: fc.boolean(),
      datapathIsOurs: fc.boolean(),
      clean: fc.boolean(),
    });
    fc.assert(
      fc.property(any, (f) => {
        const { conditions } = routeStatus(f);
        const yes = conditions.filter((c) => c.status === "True").map((c) => c.type);
        const needs: Record<string, boolean> = { Accepted: f.acceptance.accepted, GCPReady: held(f), DPV2Ready: observed(f) };
        for (const type of yes.filter((t) => t !== "Ready")) expect(needs[type], type).to.equal(true);
        if (!serves(f)) expect(yes).to.not.include.members(["GCPReady"]).and.not.include.members(["DPV2Ready"]);
        expect(yes.includes("Ready")).to.equal(yes.filter((t) => t !== "Ready").length === 3);
        for (const c of conditions) expect(ROUTE_REASONS).to.include(c.reason);
      }),
      { numRuns: 500 },
    );
  });
});
