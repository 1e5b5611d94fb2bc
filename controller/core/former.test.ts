// SPDX-License-Identifier: Apache-2.0
// Whoever the fabric may still be sending packets to is served by its node: after a move, and where one wish overtakes another in the middle of
// a switch (invariant 4, datapath.md 9).
import { expect } from "chai";
import * as fc from "fast-check";
import { FORMER_LIMIT, type AddressBindingStatus, type Holder } from "../api";
import { begun, committed, nextStep, sameHolder, switching, unserved } from "./handover";
import { bindingOf, holderOf, inputOf, NOW, perform, targetOf, type HandoverWorld } from "./handover-model";
import { LINGER_MS, nodeDuties, RELEASE_AFTER_MS } from "./node-duty";

const after = (seconds: number): string => new Date(Date.parse(NOW) + seconds * 1000).toISOString();
const begin = (status: AddressBindingStatus, n: number, now = NOW): AddressBindingStatus =>
  begun(
    status,
    { do: "begin", next: holderOf(n), generation: (status.generation ?? 0) + 1, cause: "NewerPod", routeUid: "r" },
    now,
  );
const move = (status: AddressBindingStatus, n: number, now = NOW): AddressBindingStatus =>
  committed(switching(begin(status, n, now), now), now);
const held: AddressBindingStatus = { phase: "Held", generation: 1, holder: holderOf(1) };
const pods = (status: AddressBindingStatus): string[] => (status.former ?? []).map((f) => `${f.pod} ${f.leftAt ?? "-"}`);
const just = { leftMs: () => 0 };
const served = (status: AddressBindingStatus, n: number, times = just): string | undefined =>
  nodeDuties(status, `node-${n}`, times).serves?.pod;

describe("A Pod that the address has left", () => {
  it("is served for 10 s more: the fabric and the Pod have yet to finish what is on its way", () => {
    const status = move(held, 2);
    expect(pods(status)).to.deep.equal([`pod-1 ${NOW}`]);
    expect(served(status, 1)).to.equal("pod-1");
    expect(served(status, 1, { leftMs: () => LINGER_MS - 1 })).to.equal("pod-1");
    expect(served(status, 1, { leftMs: () => LINGER_MS })).to.equal(undefined);
    expect(nodeDuties(status, "node-1").serves, "whoever knows nothing of the time lets go").to.equal(undefined);
    expect(served(status, 2)).to.equal("pod-2");
  });
  it("may still send while a newer Pod of its node has the packets", () => {
    const other: Holder = { ...holderOf(2), node: "node-1" };
    const moving = begun(held, { do: "begin", next: other, generation: 2, cause: "NewerPod", routeUid: "r" }, NOW);
    const done = committed(switching(moving, NOW), NOW);
    for (const status of [moving, switching(moving, NOW), done])
      expect(nodeDuties(status, "node-1", just))
        .to.deep.include({ serves: other })
        .and.have.nested.property("leaving[0].pod", "pod-1");
    expect(nodeDuties(done, "node-1", { leftMs: () => LINGER_MS }).leaving).to.deep.equal([]);
  });
  it("is remembered through the next moves, each once, the newest first, and not when it has the address again", () => {
    const twice = move(move(held, 2), 3, after(1));
    expect(pods(twice)).to.deep.equal([`pod-2 ${after(1)}`, `pod-1 ${NOW}`]);
    expect(pods(move(twice, 1, after(2)))).to.deep.equal([`pod-3 ${after(2)}`, `pod-2 ${after(1)}`]);
    expect(pods(move(twice, 1, after(300))), "long ago").to.deep.equal([`pod-3 ${after(300)}`]);
  });
  it("is forgotten when nobody is served, and when the journal is full", () => {
    expect(unserved(move(held, 2), "", NOW)).to.not.have.property("former");
    let status = held;
    for (let n = 2; n < 20; n++) status = move(status, n);
    expect(status.former).to.have.length(FORMER_LIMIT);
  });
});

describe("A Pod whose switch was overtaken by another wish", () => {
  const overtaken = begin(switching(begin(held, 2), NOW), 3);
  it("is served until the next switch is proven, since the fabric may have it already (E51)", () => {
    expect(pods(overtaken)).to.deep.equal(["pod-2 -"]);
    for (const status of [overtaken, switching(overtaken, NOW)])
      expect([1, 2, 3].map((n) => served(status, n, { leftMs: () => Infinity }))).to.deep.equal(["pod-1", "pod-2", "pod-3"]);
    const done = committed(switching(overtaken, NOW), after(1));
    expect(pods(done)).to.deep.equal([`pod-1 ${after(1)}`, `pod-2 ${after(1)}`]);
    expect(nodeDuties(switching(overtaken, NOW), "node-2", { ...just, switchingMs: RELEASE_AFTER_MS }).serves).to.equal(
      undefined,
    );
  });
  it("is not kept where its switch had not begun, nor when it has the address in the end", () => {
    expect(begin(begin(held, 2), 3)).to.not.have.property("former");
    const back = begin(begin(switching(begin(held, 2), NOW), 3), 2);
    expect(pods(committed(switching(back, NOW), NOW))).to.deep.equal([`pod-1 ${NOW}`]);
  });

  it("and every other that the fabric may point at is served by its node, whatever wishes and crashes come (invariant 4)", () => {
    const holder = fc.integer({ min: 1, max: 4 }).map(holderOf);
    const wishes = fc.array(fc.tuple(holder, fc.integer({ min: 1, max: 8 })), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(wishes, fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }), (list, lost) => {
        let world: HandoverWorld = {
          binding: bindingOf({ ...held, routeUid: "route-1", routeVersion: "1" }),
          rule: { state: "ours", target: targetOf(holderOf(1)) },
          known: true,
          version: 2,
        };
        let mayHave = [holderOf(1)];
        let n = 0;
        for (const [wanted, steps] of list)
          for (let i = 0; i < steps; i++) {
            const step = nextStep(inputOf(world, wanted));
            const sent = step.do === "program";
            // The call may do its work although its caller never hears of it; and it may come too late to do any.
            const after = perform(world, step, wanted);
            world = sent && lost[n++ % lost.length] ? { ...world, known: false, rule: after.rule } : after;
            if (sent) mayHave = [wanted, ...mayHave.filter((h) => !sameHolder(h, wanted))];
            const status = world.binding!.status!;
            for (const h of mayHave) {
              const { serves, leaving } = nodeDuties(status, h.node, just);
              expect(
                [serves, ...leaving].map((d) => d?.podUID),
                `${h.pod} in ${JSON.stringify(status)}`,
              ).to.include(h.podUID);
            }
          }
      }),
      { numRuns: 500 },
    );
  });
});
