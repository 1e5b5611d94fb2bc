// SPDX-License-Identifier: Apache-2.0
// The hand-over's steps by table and by hand: what comes next, what the journal says, what a repetition changes.
import { expect } from "chai";
import { addressBindingSchema, HISTORY_LIMIT, schemaFindings, type AddressBindingStatus, type Holder } from "../api";
import { begun, committed, nextStep, sameHolder, switching, unserved, type Step } from "./handover";
import { bindingOf, holderOf, inputOf, perform, ROUTE, settle, targetOf, type HandoverWorld } from "./handover-model";

const [A, B, C] = [holderOf(1), holderOf(2), holderOf(3)];
const NOBODY: Holder | undefined = undefined;
const ours = (h: Holder): HandoverWorld["rule"] => ({ state: "ours", target: targetOf(h) });
const at = (status: AddressBindingStatus | undefined, over: Partial<HandoverWorld> = {}): HandoverWorld => ({
  binding: bindingOf(status),
  rule: ours(A),
  known: true,
  version: 10,
  ...over,
});
const held = (over: AddressBindingStatus = {}): AddressBindingStatus => ({
  phase: "Held",
  generation: 3,
  holder: A,
  routeUid: ROUTE,
  routeVersion: "7",
  ...over,
});
const moving = (phase: AddressBindingStatus["phase"], over: AddressBindingStatus = {}): AddressBindingStatus => ({
  phase,
  generation: 4,
  holder: A,
  next: B,
  routeUid: ROUTE,
  ...over,
});
const doing = (w: HandoverWorld, wanted: Holder | undefined): Step["do"] => nextStep(inputOf(w, wanted)).do;

describe("The next step of a hand-over", () => {
  const foreign: HandoverWorld["rule"] = { state: "foreign", message: "rule web is not ours" };
  const proven = "uid-2@8";
  const table: [title: string, world: HandoverWorld, wanted: Holder | undefined, expected: Step["do"]][] = [
    ["claims what nobody has", { rule: { state: "absent" }, known: true, version: 1 }, A, "claim"],
    [
      "takes over the claim of a route that lost it (E23, E34)",
      { ...at(held()), binding: bindingOf(held(), "route-0") },
      A,
      "transfer",
    ],
    [
      "takes over a claim that is being given back",
      {
        ...at({ phase: "Releasing", generation: 3, holder: A }),
        binding: bindingOf({ phase: "Releasing", generation: 3 }, "route-0"),
      },
      B,
      "transfer",
    ],
    ["begins with an empty journal", at(undefined, { rule: { state: "absent" } }), A, "begin"],
    ["begins after a claim", at({ phase: "Claimed", generation: 1, next: A }), A, "begin"],
    ["begins after a release that was broken off", at({ phase: "Releasing", generation: 3, holder: A }), A, "begin"],
    ["begins when a Pod is there again (E10)", at({ phase: "Unserved", generation: 4 }), A, "begin"],
    ["begins anew with the journal of another route", at(held({ routeUid: "route-0" })), A, "begin"],
    ["begins anew with a move of another route", at(moving("Switching", { routeUid: "route-0" })), B, "begin"],
    ["looks at the cloud before anything else (E47)", at(held(), { known: false }), B, "observe"],
    ["stops at a rule that is not ours (E25, E49)", at(held(), { rule: foreign }), B, "blocked"],
    ["does nothing where all is as wanted (E48, T2)", at(held()), A, "nothing"],
    ["repairs a rule that points elsewhere (E49)", at(held(), { rule: ours(B) }), A, "program"],
    ["repairs a rule that is gone (E49)", at(held(), { rule: { state: "absent" } }), A, "program"],
    ["resets before it waits (E60)", at(moving("Preparing")), B, "reset"],
    ["waits for the node (E59)", at(moving("Preparing", { routeVersion: "8" })), B, "await-datapath"],
    [
      "waits although another node is proven",
      at(moving("Preparing", { routeVersion: "8" }), { proven: "uid-1@8" }),
      B,
      "await-datapath",
    ],
    [
      "waits although the node was proven before the reset (E60)",
      at(moving("Preparing", { routeVersion: "8" }), { proven: "uid-2@7" }),
      B,
      "await-datapath",
    ],
    ["switches once the node is proven", at(moving("Preparing", { routeVersion: "8" }), { proven }), B, "switch"],
    ["programs the cloud in the switch", at(moving("Switching", { routeVersion: "8" })), B, "program"],
    ["commits what the cloud shows (F1)", at(moving("Switching", { routeVersion: "8" }), { rule: ours(B) }), B, "commit"],
    ["skips a queued target that was not started: A, B, then C (E51)", at(moving("Preparing")), C, "begin"],
    ["starts over when the wish returns to the holder in the middle", at(moving("Preparing", { routeVersion: "8" })), A, "begin"],
    [
      "starts over when the wish returns after the cloud was switched",
      at(moving("Switching", { routeVersion: "8" }), { rule: ours(B) }),
      A,
      "begin",
    ],
    ["notices the same name with another UID (E15, E16)", at(held()), { ...A, podUID: "uid-new" }, "begin"],
    ["notices the same Pod name on another VM (E20)", at(held()), { ...A, instance: "vm-new" }, "begin"],
    ["serves nobody where there is no Pod (S2)", at(held()), NOBODY, "unserve"],
    ["serves nobody also in the middle of a move", at(moving("Switching")), NOBODY, "unserve"],
    ["serves nobody without asking the cloud", at(held(), { known: false }), NOBODY, "unserve"],
    ["does not serve nobody twice", at({ phase: "Unserved", generation: 4 }), NOBODY, "nothing"],
  ];
  for (const [title, w, wanted, expected] of table) it(title, () => expect(doing(w, wanted)).to.equal(expected));

  it("calls only a repair a repair", () => {
    expect(nextStep(inputOf(at(held(), { rule: ours(B) }), A))).to.deep.equal({ do: "program", repair: true });
    expect(nextStep(inputOf(at(moving("Switching")), B))).to.deep.equal({ do: "program", repair: false });
  });

  it("repeats the refusal of a foreign rule in its words", () =>
    expect(nextStep(inputOf(at(held(), { rule: foreign }), A))).to.deep.equal({
      do: "blocked",
      message: "rule web is not ours",
    }));

  it("gives the change of routes as the cause, not the fate of the other route's Pod", () => {
    const step = nextStep(inputOf(at(held({ routeUid: "route-0" })), A));
    expect(step).to.include({ do: "begin", cause: "RouteChanged", routeUid: ROUTE, generation: 4 });
  });
});

describe("Whole hand-overs", () => {
  const course: [title: string, start: HandoverWorld, wanted: Holder | undefined, steps: string][] = [
    [
      "the first assignment",
      { rule: { state: "absent" }, known: false, version: 1 },
      A,
      "claim observe begin reset await-datapath switch program commit nothing",
    ],
    ["a move", at(held()), B, "begin reset await-datapath switch program commit nothing"],
    [
      "a Pod recreated on the same node, which costs no call (E16, E48)",
      at(held()),
      { ...A, podUID: "new" },
      "begin reset await-datapath switch commit nothing",
    ],
    [
      "a return in the middle, which costs no call",
      at(moving("Preparing", { routeVersion: "8" })),
      A,
      "begin reset await-datapath switch commit nothing",
    ],
    [
      "a return after the switch",
      at(moving("Switching", { routeVersion: "8" }), { rule: ours(B) }),
      A,
      "begin reset await-datapath switch program commit nothing",
    ],
    [
      "a claim that changed hands with the Pod unchanged",
      { ...at(held({ routeUid: "route-0" })), binding: bindingOf(held({ routeUid: "route-0" }), "route-0") },
      A,
      "transfer begin reset await-datapath switch commit nothing",
    ],
    ["scale to zero", at(held()), NOBODY, "unserve nothing"],
  ];
  for (const [title, start, wanted, steps] of course)
    it(`takes these steps for ${title}`, () => expect(settle(start, wanted).steps.join(" ")).to.equal(steps));

  it("keeps the old holder in the journal until the new one is proven (DESIGN 4.4)", () => {
    const { seen } = settle(at(held()), B);
    const holders = seen.map(({ world, step }) => `${step.do}:${world.binding?.status?.holder?.pod}`);
    expect(holders.at(-1)).to.equal("nothing:pod-2");
    expect(holders.slice(0, -1).every((h) => h.endsWith(":pod-1"))).to.equal(true);
  });
});

describe("The journal", () => {
  const begin = { do: "begin", next: B, generation: 4, cause: "NewerPod", routeUid: ROUTE } as const;
  const [t0, t1, t2] = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:02Z", "2026-01-01T00:00:05Z"];

  it("tells the whole story of a move: ends, cause, durations", () => {
    const done = committed({ ...switching({ ...begun(held(), begin, t0), routeVersion: "8" }, t1) }, t2);
    expect(done).to.deep.include({
      phase: "Held",
      generation: 4,
      holder: B,
      ready: "True",
      reason: "ProgrammingComplete",
      routeUid: ROUTE,
      routeVersion: "8",
    });
    expect(done.lastMove).to.deep.equal({
      generation: 4,
      from: A,
      to: B,
      cause: "NewerPod",
      startedAt: t0,
      finishedAt: t2,
      durations: { prepare: 2000, switch: 3000, total: 5000 },
    });
    expect(done.history).to.deep.equal([done.lastMove]);
    expect(done).to.not.have.any.keys("next", "cause", "startedAt");
  });

  it("forgets the reset of the move before, so that each move has its own (E60)", () =>
    expect(begun(held(), begin, t0)).to.not.have.property("routeVersion"));

  it("never counts a negative time when the clock is set back", () => {
    const done = committed(switching(begun(held(), begin, t2), t1), t0);
    expect(done.lastMove!.durations).to.deep.equal({ prepare: 0, switch: 0, total: 0 });
  });

  it("remembers a bounded number of moves, the newest first", () => {
    let w = at(held());
    for (let n = 0; n < HISTORY_LIMIT + 5; n++) w = settle(w, n % 2 ? A : B).end;
    const { history } = w.binding!.status!;
    expect(history!.map((m) => m.generation)).to.deep.equal(
      Array.from({ length: HISTORY_LIMIT }, (_, i) => 3 + HISTORY_LIMIT + 5 - i),
    );
  });

  it("says that nobody is served, and saying it again changes nothing but the reason (S2)", () => {
    const once = unserved(held({ history: [], forwardingRule: "pip-fr-1" }), "no Pod", t0);
    expect(once).to.deep.equal({
      phase: "Unserved",
      generation: 4,
      history: [],
      forwardingRule: "pip-fr-1",
      phaseStartedAt: t0,
      ready: "False",
      reason: "NoPodsFound",
      message: "no Pod",
    });
    expect(unserved(once, "no Pod", t1)).to.deep.equal(once);
    expect(unserved(once, "3 Pods, none Ready", t1)).to.deep.equal({ ...once, message: "3 Pods, none Ready" });
  });

  it("fits its schema at every step of a hand-over", () => {
    const runs = [
      settle({ rule: { state: "absent" }, known: false, version: 1 }, A),
      settle(at(held()), B),
      settle(at(held()), NOBODY),
    ];
    for (const { world } of runs.flatMap((r) => r.seen))
      expect(schemaFindings(addressBindingSchema.properties.status, world.binding?.status ?? {}, "status")).to.deep.equal([]);
  });

  it("tells holders apart by Pod UID, node and VM, not by name", () => {
    expect(sameHolder(A, { ...A, pod: "renamed" })).to.equal(true);
    for (const over of [{ podUID: "x" }, { node: "x" }, { zone: "x" }, { instance: "x" }])
      expect(sameHolder(A, { ...A, ...over })).to.equal(false);
    expect([sameHolder(undefined, undefined), sameHolder(A, undefined), sameHolder(undefined, A)]).to.deep.equal([
      true,
      false,
      false,
    ]);
  });

  it("is not changed in place by any step", () => {
    const frozen = Object.freeze(held());
    expect(() => perform(at(frozen), begin, B)).to.not.throw();
    expect(frozen.generation).to.equal(3);
  });
});
