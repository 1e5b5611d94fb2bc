// SPDX-License-Identifier: Apache-2.0
// What holds of every hand-over, from any journal, any rule and any sequence of wishes and crashes (E47, E48, E51, F1).
import { expect } from "chai";
import * as fc from "fast-check";
import { PHASES, type AddressBindingStatus, type Holder } from "../api";
import { nextStep, sameHolder } from "./handover";
import { bindingOf, holderOf, inputOf, perform, ROUTE, settle, targetOf, type HandoverWorld, type Run } from "./handover-model";
import { deepFreeze } from "./testing";

const holder = fc.integer({ min: 1, max: 3 }).map(holderOf);
const maybe = <T>(a: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(a, { nil: undefined });
const drop = <T extends object>(o: T): T => Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined)) as T;
const status: fc.Arbitrary<AddressBindingStatus> = fc
  .record({
    phase: maybe(fc.constantFrom(...PHASES)),
    generation: maybe(fc.integer({ min: 0, max: 9 })),
    holder: maybe(holder),
    next: maybe(holder),
    routeUid: fc.constantFrom(undefined, ROUTE, ROUTE, "route-0"),
    routeVersion: fc.constantFrom(undefined, "1", "2"),
    cause: maybe(fc.constant("NewerPod")),
    startedAt: maybe(fc.constant("2026-01-01T00:00:00Z")),
  })
  .map(drop);
const rule: fc.Arbitrary<HandoverWorld["rule"]> = fc.oneof(
  fc.constant({ state: "absent" as const }),
  holder.map((h) => ({ state: "ours" as const, target: targetOf(h) })),
);
const start: fc.Arbitrary<HandoverWorld> = fc
  .record({
    binding: maybe(fc.tuple(maybe(status), fc.constantFrom(ROUTE, "route-0")).map(([s, uid]) => bindingOf(s, uid))),
    rule,
    proven: fc.constantFrom(undefined, "uid-1@1", "uid-2@1", "uid-3@2"),
    known: fc.boolean(),
    version: fc.constant(5),
  })
  .map(drop);

const generationOf = (w: HandoverWorld): number => w.binding?.status?.generation ?? 0;
function expectHeld(w: HandoverWorld, wanted: Holder): void {
  const s = w.binding!.status!;
  expect(s.phase).to.equal("Held");
  expect(sameHolder(s.holder, wanted)).to.equal(true);
  expect(s.next).to.equal(undefined);
  expect(w.binding!.spec.route.uid).to.equal(ROUTE);
  expect(w.rule).to.deep.equal({ state: "ours", target: targetOf(wanted) });
}
/** Steps since the last `begin`; undefined where the run had none. */
const lastMove = ({ seen }: Run): Run["seen"] | undefined => {
  const begin = seen.map((s) => s.step.do).lastIndexOf("begin");
  return begin < 0 ? undefined : seen.slice(begin);
};

describe("Every hand-over", () => {
  it("ends with the wanted holder proven, in at most ten steps, from any journal and any rule (E47)", () => {
    fc.assert(
      fc.property(start, holder, (w, wanted) => {
        const run = settle(w, wanted);
        expectHeld(run.end, wanted);
        expect(run.steps.length).to.be.lessThan(11);
      }),
      { numRuns: 500 },
    );
  });

  it("ends with nobody where nobody is wanted, and touches no rule (S2)", () => {
    fc.assert(
      fc.property(start, (w) => {
        const { end, steps } = settle(w, undefined);
        expect(end.binding!.status).to.include({ phase: "Unserved" }).and.not.have.any.keys("holder", "next");
        expect(end.rule).to.deep.equal(w.rule);
        expect(steps).to.not.include("program");
      }),
    );
  });

  it("never counts the generation down, and counts each begin as one", () => {
    fc.assert(
      fc.property(start, maybe(holder), (w, wanted) => {
        const { seen, end } = settle(w, wanted);
        const generations = [...seen.map((s) => generationOf(s.world)), generationOf(end)];
        seen.forEach(({ step }, i) => {
          const up = step.do === "begin" || step.do === "unserve" ? 1 : 0;
          expect(generations[i + 1]! - generations[i]!).to.equal(up);
        });
      }),
    );
  });

  it("switches only after its own reset and with the new node proven since (E59, E60)", () => {
    fc.assert(
      fc.property(start, holder, (w, wanted) => {
        const move = lastMove(settle(w, wanted));
        const steps = move?.map((s) => s.step.do) ?? [];
        for (const { step, world } of move ?? [])
          if (step.do === "switch") {
            expect(world.binding!.status!.routeVersion).to.not.equal(undefined);
            expect(world.proven).to.equal(`${wanted.podUID}@${world.binding!.status!.routeVersion}`);
            expect(steps.indexOf("reset")).to.be.within(0, steps.indexOf("switch") - 1);
          }
      }),
    );
  });

  it("programs the cloud once in a move, and not at all where the rule is right already (E48)", () => {
    fc.assert(
      fc.property(start, holder, (w, wanted) => {
        const run = settle(w, wanted);
        const right = w.rule.state === "ours" && w.rule.target === targetOf(wanted);
        expect(run.steps.filter((s) => s === "program").length).to.equal(right ? 0 : 1);
      }),
    );
  });

  it("ends the same when the controller dies and forgets before every step, or before any of them (E47, F1)", () => {
    fc.assert(
      fc.property(start, maybe(holder), fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), (w, wanted, crashes) => {
        const calm = settle({ ...w, known: true }, wanted);
        for (const crash of [(): boolean => true, (n: number): boolean => crashes[n] ?? false]) {
          const { end, steps } = settle({ ...w, known: true }, wanted, (n) => n % 2 === 0 && crash(n));
          expect({ ...end, known: true }).to.deep.equal(calm.end);
          expect(steps.filter((s) => s !== "observe")).to.deep.equal(calm.steps);
        }
      }),
    );
  });

  it("gives the same step again when the controller dies before it was done", () => {
    fc.assert(
      fc.property(start, maybe(holder), (w, wanted) => {
        for (const { world } of settle(w, wanted).seen) {
          const input = deepFreeze(inputOf(world, wanted));
          expect(nextStep(input)).to.deep.equal(nextStep(input));
        }
      }),
    );
  });

  it("follows the last of any number of wishes, however far the others came (E51)", () => {
    const wishes = fc.array(fc.tuple(maybe(holder), fc.integer({ min: 0, max: 7 })), { maxLength: 6 });
    fc.assert(
      fc.property(start, wishes, holder, (w, before, last) => {
        let world = w;
        for (const [wanted, steps] of before)
          for (let n = 0; n < steps; n++) {
            const next = perform(world, nextStep(inputOf(world, wanted)), wanted);
            expect(generationOf(next)).to.be.at.least(generationOf(world));
            world = next;
          }
        expectHeld(settle(world, last).end, last);
      }),
      { numRuns: 300 },
    );
  });

  it("does nothing more once it is done (T2, invariant 5)", () => {
    fc.assert(
      fc.property(start, maybe(holder), (w, wanted) => {
        const { end } = settle(w, wanted);
        expect(settle(end, wanted).steps.filter((s) => s !== "observe")).to.deep.equal(["nothing"]);
      }),
    );
  });
});
