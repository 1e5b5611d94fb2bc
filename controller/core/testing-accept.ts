// SPDX-License-Identifier: Apache-2.0
// The accept chain by table, for the suites that go through it link by link.
import { expect } from "chai";
import type { AcceptReason, GKEIPRoute } from "../api";
import { accept, type Acceptance } from "./accept";
import { routeOf, world, type WorldInput } from "./testing";

export const judge = (route: GKEIPRoute, input: WorldInput = {}): Acceptance =>
  accept(world({ routes: [route], ...input }), route);
export const reasonOf = (a: Acceptance): AcceptReason => (a.accepted ? "Accepted" : a.reason);
export const messageOf = (a: Acceptance): string => (a.accepted ? "" : a.message);

interface Case {
  title: string;
  route?: Parameters<typeof routeOf>[0];
  input?: WorldInput;
  reason: AcceptReason;
  says?: RegExp;
}

/** One test a case: the reason, and the words of its message. */
export function check(cases: readonly Case[]): void {
  for (const c of cases)
    it(`${c.title}: ${c.reason}`, () => {
      const result = judge(routeOf(c.route), c.input);
      expect(reasonOf(result), messageOf(result)).to.equal(c.reason);
      expect(messageOf(result)).to.match(c.says ?? /^/);
    });
}
