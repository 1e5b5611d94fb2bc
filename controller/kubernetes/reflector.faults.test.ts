// SPDX-License-Identifier: Apache-2.0
// The reflector's laws against a server on loopback that does the wrong thing at the right moment.
import { expect } from "chai";
import { systemClock } from "./clock";
import type { KubeObject } from "./resources";
import { ReflectorRig, stay, synced, until } from "./testing-reflector";
import { added, bookmark, type Exchange, gone, type TestThing, thing } from "./testing-server";

describe("reflector against faults", () => {
  const rigs = new ReflectorRig();
  const rig: ReflectorRig["start"] = (options, ...steps) => rigs.start(options, ...steps);

  afterEach(() => rigs.stop());

  it("goes on from the last version after a reset", async () => {
    const { server } = await rig({}, (x) => void x.watch(bookmark(5, true), added(thing("a", 9))).resetIn(30), stay);
    await until(() => server.seen.length === 2);
    expect(server.seen[1]?.query.get("resourceVersion")).to.equal("9");
  });

  it("drops a truncated line and asks for that event again", async () => {
    const { server, events } = await rig(
      {},
      (x) =>
        x
          .watch(bookmark(5, true))
          .raw(JSON.stringify(added(thing("a", 6))).slice(0, 40))
          .end(),
      (x) => void x.watch(added(thing("a", 6))),
    );
    await until(() => events.length === 1);
    expect(server.seen[1]?.query.get("resourceVersion")).to.equal("5");
    expect(events).to.deep.equal(["added a@6"]);
  });

  it("treats a line that is not JSON as a broken connection", async () => {
    const { server, logs } = await rig({}, (x) => void x.watch(bookmark(5, true)).raw("{nonsense\n"), stay);
    await until(() => server.seen.length === 2);
    expect(server.seen[1]?.query.get("resourceVersion")).to.equal("5");
    expect(logs.join()).to.contain("a line is not JSON");
  });

  for (const [how, step] of [
    ["as an ERROR event", (x: Exchange) => x.watch(gone).end()],
    ["as the status of the watch", (x: Exchange) => x.refuse(410, "Expired")],
  ] as const) {
    it(`starts over after 410 ${how}, and deletes what vanished meanwhile (C5, E64)`, async () => {
      const { server, events } = await rig(
        {},
        (x) => x.watch(added(thing("a", 1)), added(thing("b", 2)), added(thing("c", 3)), bookmark(5, true)).end(),
        step,
        synced(20, thing("a", 1), thing("c", 12), thing("d", 13)),
      );
      await until(() => events.length === 6);
      expect(server.seen[2]?.query.get("sendInitialEvents")).to.equal("true");
      expect(events.slice(3)).to.deep.equal(["modified c@12", "added d@13", "deleted b@2"]);
    });
  }

  it("makes delete and add of an object that was made again under its name during a gap", async () => {
    const uids: string[] = [];
    const { events } = await rig(
      {
        onEvent: (e) => {
          uids.push(`${e.type} ${e.object.metadata.uid}`);
          events.push(e.type);
        },
      },
      (x) => x.watch(added(thing("a", 1, { uid: "first" })), bookmark(5, true)).end(),
      (x) => x.watch(gone).end(),
      synced(20, thing("a", 12, { uid: "second" })),
    );
    await until(() => uids.length === 3);
    expect(uids).to.deep.equal(["added first", "deleted first", "added second"]);
  });

  it("honours Retry-After of a 429 (C3)", async () => {
    const { server } = await rig({}, (x) => x.refuse(429, "TooManyRequests", { "retry-after": "1" }), synced(1));
    await until(() => server.seen.length === 2);
    expect((server.seen[1]?.at ?? 0) - (server.seen[0]?.at ?? 0)).to.be.at.least(990);
  });

  it("keeps its version through 429 and 503, and needs no new list afterwards", async () => {
    const { server } = await rig(
      {},
      (x) => x.watch(bookmark(5, true)).end(),
      (x) => x.refuse(429, "TooManyRequests"),
      (x) => x.refuse(503, "ServiceUnavailable"),
      stay,
    );
    await until(() => server.seen.length === 4);
    expect(server.seen.slice(1).map((seen) => seen.query.get("resourceVersion"))).to.deep.equal(["5", "5", "5"]);
  });

  it("starts over after 500, since nobody knows what that version is worth", async () => {
    const { server } = await rig(
      {},
      (x) => x.watch(bookmark(5, true)).end(),
      (x) => x.refuse(500, "InternalError"),
      synced(6),
    );
    await until(() => server.seen.length === 3);
    expect(server.seen[2]?.query.get("sendInitialEvents")).to.equal("true");
  });

  it("keeps trying through 401 and 403 at the start, with growing waits (C6)", async () => {
    const { reflector, server, logs } = await rig(
      {},
      (x) => x.refuse(401, "Unauthorized"),
      (x) => x.refuse(403, "Forbidden"),
      synced(1),
    );
    await reflector.whenSynced();
    expect(server.seen).to.have.length(3);
    const delays = logs.map((line) => Number(/"delayMs":(\d+)/.exec(line)?.[1]));
    expect(delays).to.deep.equal([5, 10]);
  });

  it("bounds the waits of a reconnect storm (C8)", async () => {
    const { reflector, logs } = await rig({}, (x) => x.reset());
    await until(() => logs.length >= 6);
    await reflector.stop();
    const delays = logs.map((line) => Number(/"delayMs":(\d+)/.exec(line)?.[1])).slice(0, 6);
    expect(delays).to.deep.equal([5, 10, 20, 40, 40, 40]);
  });

  it("goes on at once when a watch that had lived a while breaks", async () => {
    const { server, logs } = await rig({}, (x) => void x.watch(bookmark(5, true)).resetIn(30), stay);
    await until(() => server.seen.length === 2);
    expect(logs.join()).to.contain('"delayMs":0');
  });

  it("starts its waits over after a watch that lived long", async () => {
    const { logs } = await rig(
      { tuning: { healthyMs: 10_000, resetAfterMs: 20 } },
      (x) => x.reset(),
      (x) => x.reset(),
      (x) => void x.watch(bookmark(5, true)).resetIn(60),
      stay,
    );
    await until(() => logs.length === 3);
    expect(logs.map((line) => Number(/"delayMs":(\d+)/.exec(line)?.[1]))).to.deep.equal([5, 10, 5]);
  });

  it("waits before it repeats a watch that ended at once with nothing in it", async () => {
    const { server } = await rig(
      { tuning: { healthyMs: 1000, backoffBaseMs: 60, backoffCapMs: 1000 } },
      (x) => x.watch(bookmark(5, true)).end(),
      (x) => x.watch().end(),
      stay,
    );
    await until(() => server.seen.length === 3);
    expect((server.seen[2]?.at ?? 0) - (server.seen[1]?.at ?? 0)).to.be.at.least(55);
  });

  it("notices a watch that is open but silent, and connects again (C7)", async () => {
    const { server, reflector } = await rig(
      { tuning: { silenceMs: 60 } },
      (x) => x.watch(bookmark(5, true)).end(),
      stay,
      (x) => void x.watch(bookmark(9)),
    );
    await until(() => server.seen.length >= 3);
    expect((server.seen[2]?.at ?? 0) - (server.seen[1]?.at ?? 0)).to.be.at.least(55);
    expect(reflector.hasSynced()).to.equal(true);
  });

  it("does not cut a quiet watch at the shorter bound of the initial events, once these are complete", async () => {
    const { server, reflector } = await rig(
      { tuning: { initialSilenceMs: 40, silenceMs: 5_000 } },
      (x) => void x.watch(bookmark(5, true)),
    );
    await reflector.whenSynced();
    await new Promise((r) => setTimeout(r, 150));
    expect(server.seen).to.have.length(1);
  });

  it("waits quietly for a kind that does not exist, says so once, and syncs when it comes", async () => {
    let missed = 0;
    const { reflector, server, logs } = await rig({ onMissingKind: () => void missed++ }, (x) => x.refuse(404, "NotFound"));
    await until(() => server.seen.length >= 4);
    expect([missed, reflector.kindMissing(), reflector.hasSynced()]).to.deep.equal([1, true, false]);
    expect(logs).to.have.length(1);
    server.script(synced(1, thing("a", 1)));
    await reflector.whenSynced();
    expect(reflector.kindMissing()).to.equal(false);
  });

  it("keeps what it knew when a kind vanishes: bad news moves nothing (C9)", async () => {
    const { reflector, events } = await rig(
      {},
      (x) => x.watch(added(thing("a", 1)), bookmark(5, true)).end(),
      (x) => x.refuse(404, "NotFound"),
    );
    await until(() => reflector.kindMissing());
    expect(reflector.store.size).to.equal(1);
    expect(events).to.deep.equal(["added a@1 initial"]);
  });

  it("survives a handler, a transform and an indexer that throw", async () => {
    const { reflector, logs } = await rig(
      {
        transform: (o: KubeObject) => {
          if (o.metadata.name === "bad-transform") throw new Error("t");
          return o as TestThing;
        },
        indexers: {
          value: (o) => {
            if (o.metadata.name === "bad-index") throw new Error("i");
            return [o.data.value];
          },
        },
        onEvent: () => {
          throw new Error("h");
        },
      },
      synced(5, thing("bad-transform", 1), thing("bad-index", 2), thing("good", 3, { data: "x" })),
    );
    await reflector.whenSynced();
    expect(reflector.store.keys()).to.deep.equal(["ns/good"]);
    expect(reflector.store.byIndex("value", "x")).to.have.length(1);
    expect(logs.map((line) => line.split(" ")[0])).to.deep.equal(["transform", "index", "onEvent"]);
  });

  it("stops: no event after that, and whoever waits for the sync gets an error", async () => {
    let exchange: Exchange | undefined;
    const { reflector, events } = await rig({}, (x) => (exchange = x.watch(added(thing("a", 1)))));
    await until(() => events.length === 1);
    const waiting = reflector.whenSynced().then(
      () => "synced",
      (error: Error) => error.message,
    );
    await reflector.stop();
    exchange?.watch(added(thing("b", 2)));
    expect(await waiting).to.equal("configmaps: stopped before the first sync");
    await systemClock.sleep(20);
    expect(events).to.have.length(1);
  });

  it("lets a waiter go when its own signal aborts", async () => {
    const { reflector } = await rig({}, stay);
    const controller = new AbortController();
    const waiting = reflector.whenSynced(controller.signal).catch((error: { reason?: string }) => error.reason);
    controller.abort();
    expect(await waiting).to.equal("Aborted");
  });
});
