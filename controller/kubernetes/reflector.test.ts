// SPDX-License-Identifier: Apache-2.0
// The reflector's laws while the server does what it should: both ways to sync, versions, shapes, events.
import { expect } from "chai";
import { systemClock } from "./clock";
import { ReflectorRig, stay, synced, until } from "./testing-reflector";
import { added, bookmark, deleted, type Exchange, gone, listOf, modified, thing } from "./testing-server";

describe("reflector", () => {
  const rigs = new ReflectorRig();
  const rig: ReflectorRig["start"] = (options, ...steps) => rigs.start(options, ...steps);

  afterEach(() => rigs.stop());

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
      expect(server.seen[1]?.query.get("limit")).to.equal("100");
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
    expect(server.seen[1]?.query.get("limit")).to.equal("100");
  });

  it("starts a list over in larger pages, then without pages, when its continue token expires (C5)", async () => {
    const { reflector, server, events } = await rig(
      { watchList: false },
      (x) => x.json(listOf(3, [thing("a", 1)], "old")),
      (x) => x.refuse(410, "Expired"),
      (x) => x.json(listOf(4, [thing("a", 1)], "old again")),
      (x) => x.refuse(410, "Expired"),
      (x) => x.json(listOf(4, [thing("a", 1), thing("b", 4)])),
      stay,
    );
    await reflector.whenSynced();
    expect(events).to.deep.equal(["added a@1 initial", "added b@4 initial"]);
    const asked = server.seen.map(({ query }) => [query.get("limit"), query.get("continue")]);
    expect(asked.slice(0, 5)).to.deep.equal([
      ["100", null],
      ["100", "old"],
      ["1000", null],
      ["1000", "old again"],
      [null, null],
    ]);
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

  it("C9: does not take the headers of a watch that is opened again for news: what was missed has yet to come", async () => {
    let again: Exchange | undefined;
    const { reflector } = await rig(
      {},
      (x) => x.watch(bookmark(5, true)).end(),
      (x) => (again = x.watch()),
    );
    await reflector.whenSynced();
    await until(() => again !== undefined);
    const before = reflector.lastActivity();
    await systemClock.sleep(30);
    expect(reflector.lastActivity()).to.equal(before);
    again?.watch(bookmark(6));
    await until(() => reflector.lastActivity() > before);
  });
});
