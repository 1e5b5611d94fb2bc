// SPDX-License-Identifier: Apache-2.0
// Laws of client-go's reflector and informer that are about time and order: never back, never out of step with the store (kubernetes-client.md 1.3).
import { expect } from "chai";
import type { StoreEvent } from "./reflector";
import { ReflectorRig, stay, synced, until } from "./testing-reflector";
import { added, bookmark, deleted, gone, listOf, modified, type Step, type TestThing, thing } from "./testing-server";

describe("reflector, laws of client-go", () => {
  const rigs = new ReflectorRig();
  const rig: ReflectorRig["start"] = (options, ...steps) => rigs.start(options, ...steps);

  afterEach(() => rigs.stop());

  it("never goes back in time: the first list and each one after it is asked for consistently, at no version of a cache (kubernetes#59848)", async () => {
    const expired: Step = (x) => void x.watch(gone).end();
    const initial: Step = (x) => x.watch(added(thing("a", 1)), bookmark(5, true)).end();
    const streamed = await rig({}, initial, expired, synced(9, thing("a", 1)));
    await until(() => streamed.server.seen.length === 3);
    const page: Step = (x) => x.json(listOf(5, []));
    const listed = await rig({ watchList: false }, page, expired, page, stay);
    await until(() => listed.server.seen.length === 4);
    const lists = [...streamed.server.seen, ...listed.server.seen].filter(
      ({ query }) => query.get("watch") !== "true" || query.get("sendInitialEvents") === "true",
    );
    expect(lists).to.have.length(4);
    for (const { query } of lists) expect(query.get("resourceVersion")).to.equal(null);
  });

  it("does not keep what was deleted during the initial events", async () => {
    const { reflector, events } = await rig(
      {},
      (x) => void x.watch(added(thing("a", 1)), added(thing("b", 2)), deleted(thing("a", 3)), bookmark(5, true)),
    );
    await reflector.whenSynced();
    expect(reflector.store.keys()).to.deep.equal(["ns/b"]);
    expect(events).to.deep.equal(["added a@1 initial", "added b@2 initial", "deleted a@3 initial"]);
  });

  it("changes the store before it tells: a handler finds there what it is told of, and nothing of what is deleted", async () => {
    const found: string[] = [];
    let look: (event: StoreEvent<TestThing>) => void = () => undefined;
    const { reflector } = await rig(
      { onEvent: (event) => look(event), indexers: { name: (o) => [o.metadata.name] } },
      (x) => void x.watch(bookmark(5, true), added(thing("a", 6)), modified(thing("a", 7)), deleted(thing("a", 8))),
    );
    look = ({ type, object: { metadata } }) => {
      const indexed = reflector.store.byIndex("name", metadata.name).length;
      found.push(`${type} ${reflector.store.get(`ns/${metadata.name}`)?.metadata.resourceVersion ?? "-"} ${indexed}`);
    };
    await until(() => found.length === 3);
    expect(found).to.deep.equal(["added 6 1", "modified 7 1", "deleted - 0"]);
  });

  it("tells of a deletion that it missed by the last state it knew, with its UID (client-go's tombstone)", async () => {
    const told: StoreEvent<TestThing>[] = [];
    await rig(
      { onEvent: (event) => void told.push(event) },
      (x) => x.watch(added(thing("a", 1, { uid: "first", data: "last known" })), bookmark(5, true)).end(),
      (x) => void x.watch(gone).end(),
      synced(9),
    );
    await until(() => told.length === 2);
    const { type, object, old, initial } = told[1]!;
    expect([type, object.metadata.uid, object.metadata.resourceVersion, initial]).to.deep.equal(["deleted", "first", "1", false]);
    expect(old).to.equal(object);
  });

  it("tells nobody of a bookmark, nor of a deletion of what it does not know", async () => {
    const { server, events } = await rig(
      {},
      (x) => x.watch(bookmark(5, true), bookmark(6), deleted(thing("stranger", 7)), bookmark(8)).end(),
      stay,
    );
    await until(() => server.seen.length === 2);
    expect(events).to.deep.equal([]);
    expect(server.seen[1]?.query.get("resourceVersion")).to.equal("8");
  });

  it("stays synced through a new list, and goes on telling of live changes as such", async () => {
    const { reflector, server, events } = await rig(
      {},
      (x) => x.watch(added(thing("a", 1)), bookmark(5, true)).end(),
      (x) => void x.watch(gone).end(),
      (x) => void x.watch(added(thing("a", 1)), added(thing("b", 8))),
    );
    await reflector.whenSynced();
    await until(() => events.length === 2);
    expect([reflector.hasSynced(), server.seen.length]).to.deep.equal([true, 3]);
    expect(events).to.deep.equal(["added a@1 initial", "added b@8"]);
  });
});
