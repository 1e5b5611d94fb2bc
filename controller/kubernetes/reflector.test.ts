// SPDX-License-Identifier: Apache-2.0
// The reflector's laws, each against a server on loopback that does the wrong thing at the right moment.
import { expect } from "chai";
import { systemClock } from "./clock";
import type { Logger } from "./logger";
import { Reflector, type ReflectorOptions } from "./reflector";
import type { KubeObject, ResourceKind } from "./resources";
import {
  added,
  bookmark,
  deleted,
  type Exchange,
  FaultServer,
  gone,
  listOf,
  modified,
  type Step,
  type TestThing,
  thing,
} from "./testing-server";
import { type ApiClient, createApiClient } from "./transport";

const THINGS: ResourceKind = { group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true };
const QUICK = {
  silenceMs: 5_000,
  initialSilenceMs: 5_000,
  backoffBaseMs: 5,
  backoffCapMs: 40,
  healthyMs: 5,
  missingKindCapMs: 10,
};

interface Rig {
  reflector: Reflector<TestThing>;
  server: FaultServer;
  events: string[];
  logs: string[];
}

describe("reflector", () => {
  const cleanups: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function rig(options: Partial<ReflectorOptions<TestThing>>, ...steps: Step[]): Promise<Rig> {
    const server = await FaultServer.start(...steps);
    const client: ApiClient = createApiClient({ server: server.url, token: "t" });
    const events: string[] = [];
    const logs: string[] = [];
    const log = (fields: object, message: string): void => void logs.push(`${message} ${JSON.stringify(fields)}`);
    const logger: Logger = { debug: log, info: log, warn: log, error: log };
    const reflector = new Reflector<TestThing>({
      client,
      kind: THINGS,
      clock: systemClock,
      random: () => 0,
      logger,
      onEvent: (e) =>
        void events.push(
          `${e.type} ${e.object.metadata.name}@${e.object.metadata.resourceVersion}${e.initial ? " initial" : ""}`,
        ),
      ...options,
      tuning: { ...QUICK, ...options.tuning },
    });
    cleanups.push(
      () => server.close(),
      () => client.close(),
      () => reflector.stop(),
    );
    reflector.start();
    return { reflector, server, events, logs };
  }

  const stay = (x: Exchange): void => void x.watch();
  const synced =
    (version: number, ...objects: object[]): Step =>
    (x) =>
      void x.watch(...objects.map(added), bookmark(version, true));

  it("fills the store by WatchList and is synced at the end of the initial events, not before", async () => {
    let exchange: Exchange | undefined;
    const { reflector, server, events } = await rig({}, (x) => {
      exchange = x.watch(added(thing("a", 1)), added(thing("b", 2)));
    });
    await until(() => reflector.store.size === 2);
    expect(reflector.hasSynced()).to.equal(false);
    exchange?.watch(bookmark(5, true), modified(thing("a", 6)));
    await reflector.whenSynced();
    await until(() => events.length === 3);
    expect(events).to.deep.equal(["added a@1 initial", "added b@2 initial", "modified a@6"]);
    const query = server.seen[0]?.query;
    expect(query?.get("sendInitialEvents")).to.equal("true");
    expect(query?.get("resourceVersionMatch")).to.equal("NotOlderThan");
    expect(query?.get("allowWatchBookmarks")).to.equal("true");
    expect(Number(query?.get("timeoutSeconds"))).to.be.within(300, 600);
  });

  it("asks for 300 to 600 seconds, spread by chance", async () => {
    const { reflector, server } = await rig({ random: () => 0.9999 }, synced(1));
    await reflector.whenSynced();
    expect(server.seen[0]?.query.get("timeoutSeconds")).to.equal("600");
  });

  it("passes the selectors on", async () => {
    const { reflector, server } = await rig(
      { namespace: "ns", labelSelector: "app=x", fieldSelector: "spec.nodeName=n" },
      synced(1),
    );
    await reflector.whenSynced();
    expect(server.seen[0]?.path).to.equal("/api/v1/namespaces/ns/configmaps");
    expect(server.seen[0]?.query.get("labelSelector")).to.equal("app=x");
    expect(server.seen[0]?.query.get("fieldSelector")).to.equal("spec.nodeName=n");
  });

  for (const [status, reason] of [
    [422, "Invalid"],
    [400, "BadRequest"],
  ] as const) {
    it(`falls back to a paged list when WatchList is refused with ${status}, and stays with it`, async () => {
      const { reflector, server, events } = await rig(
        {},
        (x) => x.refuse(status, reason),
        (x) => x.json(listOf(7, [thing("a", 1)], "page2")),
        (x) => x.json(listOf(7, [thing("b", 2)])),
        (x) => void x.watch(gone).end(),
        (x) => x.json(listOf(9, [thing("a", 1), thing("b", 2)])),
        stay,
      );
      await until(() => server.seen.length === 6);
      expect(reflector.hasSynced()).to.equal(true);
      expect(events).to.deep.equal(["added a@1 initial", "added b@2 initial"]);
      const watches = server.seen.map((seen) => seen.query.get("watch") === "true");
      expect(watches).to.deep.equal([true, false, false, true, false, true]);
      expect(server.seen[1]?.query.get("limit")).to.equal("500");
      expect(server.seen[2]?.query.get("continue")).to.equal("page2");
      expect(server.seen[3]?.query.get("resourceVersion")).to.equal("7");
      expect(server.seen[5]?.query.get("resourceVersion")).to.equal("9");
    });
  }

  it("falls back to a list when a server ignores WatchList and never ends the initial events", async () => {
    const { reflector, server } = await rig(
      { tuning: { initialSilenceMs: 40 } },
      (x) => void x.watch(added(thing("a", 1))),
      (x) => x.json(listOf(3, [thing("a", 1)])),
      stay,
    );
    await reflector.whenSynced();
    expect(server.seen[1]?.query.get("limit")).to.equal("500");
  });

  it("starts a list over without pages when its continue token expires (C5)", async () => {
    const { reflector, server, events } = await rig(
      { watchList: false },
      (x) => x.json(listOf(3, [thing("a", 1)], "old")),
      (x) => x.refuse(410, "Expired"),
      (x) => x.json(listOf(4, [thing("a", 1), thing("b", 4)])),
      stay,
    );
    await reflector.whenSynced();
    expect(events).to.deep.equal(["added a@1 initial", "added b@4 initial"]);
    expect(server.seen[2]?.query.has("limit")).to.equal(false);
    expect(server.seen[2]?.query.has("continue")).to.equal(false);
  });

  it("gives a listed object the same shape as a watched one", async () => {
    const bare = { metadata: thing("a", 1).metadata, data: { value: "" } };
    const { reflector } = await rig({ watchList: false }, (x) => x.json(listOf(3, [bare])), stay);
    await reflector.whenSynced();
    expect(reflector.store.get("ns/a")).to.deep.equal(thing("a", 1));
  });

  it("goes on from the version of the last event after a clean end, without a new list", async () => {
    const { server, events } = await rig(
      {},
      (x) => x.watch(added(thing("a", 1)), bookmark(5, true)).end(),
      (x) => x.watch(modified(thing("a", 6)), deleted(thing("a", 8))).end(),
      stay,
    );
    await until(() => server.seen.length === 3);
    expect(server.seen.map((seen) => seen.query.get("resourceVersion"))).to.deep.equal([null, "5", "8"]);
    expect(events).to.deep.equal(["added a@1 initial", "modified a@6", "deleted a@8"]);
  });

  it("takes the version from a bookmark, so that a quiet kind does not age out", async () => {
    const { reflector, server } = await rig({}, (x) => x.watch(bookmark(5, true), bookmark(50)).end(), stay);
    await reflector.whenSynced();
    await until(() => server.seen.length === 2);
    expect(server.seen[1]?.query.get("resourceVersion")).to.equal("50");
    expect(server.seen[1]?.query.has("sendInitialEvents")).to.equal(false);
  });

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
    it(`starts over after 410 ${how}, and deletes what vanished meanwhile (C5)`, async () => {
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

  it("announces a version once, even when the server repeats it", async () => {
    const { events } = await rig({}, synced(5, thing("a", 1), thing("a", 1), thing("b", 2)));
    await until(() => events.length === 2);
    expect(events).to.deep.equal(["added a@1 initial", "added b@2 initial"]);
  });

  it("gives handlers the object before and after", async () => {
    const pairs: string[] = [];
    await rig(
      { onEvent: (e) => void pairs.push(`${e.type}: ${e.old?.data.value ?? "-"} -> ${e.object.data.value}`) },
      (x) =>
        void x.watch(
          bookmark(5, true),
          added(thing("a", 6, { data: "one" })),
          modified(thing("a", 7, { data: "two" })),
          deleted(thing("a", 8, { data: "three" })),
        ),
    );
    await until(() => pairs.length === 3);
    expect(pairs).to.deep.equal(["added: - -> one", "modified: one -> two", "deleted: two -> three"]);
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

  it("tells when it last heard from the server", async () => {
    let exchange: Exchange | undefined;
    const { reflector } = await rig({}, (x) => (exchange = x.watch(bookmark(5, true))));
    await reflector.whenSynced();
    const before = reflector.lastActivity();
    await systemClock.sleep(20);
    expect(reflector.lastActivity()).to.equal(before);
    exchange?.watch(bookmark(6));
    await until(() => reflector.lastActivity() > before);
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

  it("stores what transform makes of an object, and cuts managedFields unless told to keep them", async () => {
    const full = {
      ...thing("a", 1),
      metadata: { ...thing("a", 1).metadata, managedFields: [{ manager: "k", fieldsV1: { "f:x": {} } }] },
    };
    const { reflector } = await rig({}, synced(5, full));
    await reflector.whenSynced();
    expect(reflector.store.get("ns/a")).to.deep.equal(thing("a", 1));
    const keeping = await rig({ keepManagedFields: true }, synced(5, full));
    await keeping.reflector.whenSynced();
    expect(keeping.reflector.store.get("ns/a")).to.deep.equal(full);
  });

  it("announces every object in order when lines come in pieces of any size", async () => {
    const objects = Array.from({ length: 250 }, (_, i) => thing(`o${i}`, i + 1, { data: "ü".repeat(i) }));
    const text =
      objects.map((object) => `${JSON.stringify(added(object))}\n`).join("") + `${JSON.stringify(bookmark(999, true))}\n`;
    const bytes = Buffer.from(text);
    const { reflector, events } = await rig({}, (x) => {
      x.watch();
      for (let at = 0, size = 1; at < bytes.length; at += size, size = ((size * 7) % 997) + 1)
        x.bytes(bytes.subarray(at, at + size));
    });
    await reflector.whenSynced();
    expect(events).to.deep.equal(
      objects.map((object) => `added ${object.metadata.name}@${object.metadata.resourceVersion} initial`),
    );
    expect(reflector.store.get("ns/o249")?.data.value).to.equal("ü".repeat(249));
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

async function until(condition: () => boolean, ms = 5_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms for: ${condition.toString()}`);
    await systemClock.sleep(2);
  }
}
