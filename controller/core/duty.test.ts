// SPDX-License-Identifier: Apache-2.0
// Whose route is it? Answer it, release what is held for it, or leave it alone.
import { expect } from "chai";
import { GKE_CLASSES, type GKEIPRoute } from "../api";
import { dutyOf, isOurRoute, type Duty } from "./parents";
import { classOf, gatewayOf, parents, routeOf, world, type WorldInput } from "./testing";

const foreign: WorldInput = {
  classes: [classOf(GKE_CLASSES.External, "networking.gke.io/persistent-ip-controller")],
  settings: { alone: false },
};
const both: WorldInput = {
  gateways: [gatewayOf(), gatewayOf({ metadata: { name: "theirs" }, spec: { gatewayClassName: "theirs" } })],
};
const service = parents({ kind: "Service", group: "" });

describe("The duty towards a route", () => {
  const table: [title: string, refs: GKEIPRoute["spec"]["parentRefs"], input: WorldInput, fresh: Duty, held: Duty][] = [
    ["its Gateway is ours", parents({}), {}, "answer", "answer"],
    ["its Gateway is ours and Google's controller is here too", parents({}), { settings: { alone: false } }, "answer", "answer"],
    ["one of its Gateways is ours", parents({ name: "theirs" }, {}), both, "answer", "answer"],
    ["one of its Gateways is missing, the other is ours", parents({ name: "gone" }, {}), {}, "answer", "answer"],
    ["its Gateway was re-pointed to another controller (E38)", parents({}), foreign, "leave", "release"],
    ["the class of its Gateway is gone (E38)", parents({}), { classes: [] }, "leave", "release"],
    [
      "one Gateway is missing, the other is foreign (E38)",
      parents({ name: "gone" }, { name: "theirs" }),
      both,
      "leave",
      "release",
    ],
    ["its Gateway is gone and we are alone (E36, E37)", parents({}), { gateways: [] }, "answer", "answer"],
    [
      "its Gateway is gone and we are not alone (E37)",
      parents({}),
      { gateways: [], settings: { alone: false } },
      "leave",
      "answer",
    ],
    ["it has no parentRefs and we are alone", [], {}, "answer", "answer"],
    ["it has no parentRefs and we are not alone", [], { settings: { alone: false } }, "leave", "answer"],
    ["it names only a Service (A9)", service, {}, "leave", "release"],
  ];
  for (const [title, parentRefs, input, fresh, held] of table)
    it(`is to ${fresh} it when ${title}, and to ${held} it while we hold something for it`, () => {
      const route = routeOf({ spec: { parentRefs } });
      const w = world({ routes: [route], ...input });
      expect([dutyOf(w, route, false), dutyOf(w, route, true)]).to.deep.equal([fresh, held]);
      expect(isOurRoute(w, route)).to.equal(fresh === "answer");
    });

  it("is to answer a route without a spec where nobody else would (invariant 6)", () => {
    const bare = { metadata: { name: "bare", namespace: "default" } } as unknown as GKEIPRoute;
    expect(dutyOf(world(), bare, false)).to.equal("answer");
  });
});
