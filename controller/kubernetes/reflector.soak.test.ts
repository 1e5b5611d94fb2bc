// SPDX-License-Identifier: Apache-2.0
// A small collection with history behind a server that cuts, truncates, repeats, forgets and refuses by chance. Whatever happens,
// the store must end equal to the collection, and the events alone must tell the same story.
import { expect } from "chai";
import { systemClock } from "./clock";
import { Reflector } from "./reflector";
import { seededRandom } from "./testing";
import { THINGS, until } from "./testing-reflector";
import {
  added,
  bookmark,
  deleted,
  type Exchange,
  FaultServer,
  gone,
  listOf,
  modified,
  type TestThing,
  thing,
} from "./testing-server";
import { createApiClient } from "./transport";

const SEEDS = [1, 2, 3, 4];
const FAULTS = 10;

describe("reflector soak", () => {
  const cleanups: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  for (const seed of SEEDS) {
    it(`loses nothing through ${FAULTS} faults (seed ${seed}, ${seed % 2 === 0 ? "WatchList" : "paged list"})`, async () => {
      const random = seededRandom(seed);
      const world = new World(random);
      const server = await FaultServer.start((x) => world.serve(x));
      const client = createApiClient({ server: server.url });
      const told = new Map<string, string>();
      const reflector = new Reflector<TestThing>({
        ...{ client, kind: THINGS, clock: systemClock, random, watchList: seed % 2 === 0 },
        tuning: { backoffBaseMs: 1, backoffCapMs: 4, healthyMs: 2, pageLimit: 3, silenceMs: 25, initialSilenceMs: 1_000 },
        onEvent: ({ type, object }) => {
          if (type === "deleted") expect(told.delete(object.metadata.name)).to.equal(true);
          else told.set(object.metadata.name, identity(object));
        },
      });
      cleanups.push(
        () => server.close(),
        () => client.close(),
        () => reflector.stop(),
      );
      reflector.start();
      while (world.faultsMade < FAULTS) {
        world.change();
        await systemClock.sleep(1);
      }
      world.faults = false;
      const want = world.identities();
      await until(() => same(reflector.store.list().map(identity), want));
      expect([...told.values()].sort()).to.deep.equal(want);
    });
  }
});

const identity = (o: TestThing): string => `${o.metadata.name} ${o.metadata.uid} ${o.metadata.resourceVersion}`;
const same = (a: string[], b: string[]): boolean => JSON.stringify([...a].sort()) === JSON.stringify(b);

/** The collection: objects, their history, and the watches that follow it. */
class World {
  faults = true;
  faultsMade = 0;
  private readonly objects = new Map<string, TestThing>();
  private readonly watches = new Set<Exchange>();
  private history: { version: number; event: object }[] = [];
  private forgotten = 0;
  private version = 1;

  constructor(private readonly random: () => number) {}

  identities(): string[] {
    return [...this.objects.values()].map(identity).sort();
  }

  change(): void {
    const name = `o${Math.floor(this.random() * 8)}`;
    const old = this.objects.get(name);
    this.version += 1;
    const object = thing(name, this.version, { uid: old?.metadata.uid ?? `uid-${this.version}` });
    if (old !== undefined && this.random() < 0.4) this.objects.delete(name);
    else this.objects.set(name, object);
    const event = !this.objects.has(name) ? deleted(object) : old === undefined ? added(object) : modified(object);
    this.history.push({ version: this.version, event });
    for (const watch of this.watches) this.tell(watch, event);
    if (this.faults && this.random() < 0.05) this.forget();
  }

  serve(x: Exchange): void {
    const query = x.seen.query;
    if (this.chance(0.15)) return x.refuse(this.random() < 0.5 ? 500 : 429, "Fault");
    if (query.get("watch") !== "true") return this.list(x, Number(query.get("limit") ?? "0"), query.get("continue"));
    if (query.get("sendInitialEvents") === "true") {
      x.watch(...[...this.objects.values()].map(added), bookmark(this.version, true));
    } else {
      const from = Number(query.get("resourceVersion"));
      if (from < this.forgotten) return this.random() < 0.5 ? x.refuse(410, "Expired") : void x.watch(gone).end();
      x.watch(...this.history.filter(({ version }) => version > from).map(({ event }) => event));
    }
    this.watches.add(x);
  }

  // A token carries the version of its list; pages of a forgotten version are refused, as etcd does.
  private list(x: Exchange, limit: number, token: string | null): void {
    const [version = this.version, start = 0] = token === null ? [] : token.split(":").map(Number);
    if (version !== this.version) return x.refuse(410, "Expired");
    const all = [...this.objects.values()];
    const end = limit === 0 ? all.length : start + limit;
    x.json(listOf(version, all.slice(start, end), end < all.length ? `${version}:${end}` : undefined));
  }

  private tell(watch: Exchange, event: object): void {
    if (!this.chance(0.1)) return void watch.watch(event);
    const line = JSON.stringify(event);
    this.watches.delete(watch);
    const faults: (() => void)[] = [
      () => watch.reset(),
      () => watch.end(),
      () => watch.raw(line.slice(0, line.length / 2)).end(),
      () => watch.watch(event, event, bookmark(this.version)).end(),
      () => undefined, // open, and silent from now on
    ];
    faults[Math.floor(this.random() * faults.length)]?.();
  }

  private forget(): void {
    this.forgotten = this.version - 2;
    this.history = this.history.filter(({ version }) => version > this.forgotten);
  }

  private chance(probability: number): boolean {
    const hit = this.faults && this.random() < probability;
    if (hit) this.faultsMade += 1;
    return hit;
  }
}
