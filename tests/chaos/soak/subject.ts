// SPDX-License-Identifier: Apache-2.0
// The process under test: the controller's real caches, reflectors, queue, writer and fabric behind the fault proxies, and nothing else, so that
// its memory, sockets and timers are theirs. It answers its parent's questions until it is told to stop.
import { KINDS } from "../../../controller/api";
import { createApiClient, keyOf, Reflector, type KubeObject, type Logger, type StoreEvent } from "../../../controller/kubernetes";
import { seededRandom } from "../../../controller/kubernetes/testing";
import { CONTROLLER_NAME } from "../../../controller/api";
import { Caches, type KindKey, type Listener } from "../../../controller/manager/caches";
import { fastClock } from "../fast-clock";
import { startInner, type Inner } from "../inner";
import { PROJECT, REGION } from "../lab";
import { KIND_KEYS, type Answer, type Config, type Dump, type Question } from "./protocol";

/** Reflectors of single kinds that come back sooner than the defaults, so that more can happen to them: half of them list in pages. */
const SINGLE: readonly KindKey[] = ["pod", "route", "node", "namespace", "binding", "networkInterface"];
const SINGLES = 4;
const MIRRORS = 2;
const QUICK = { backoffBaseMs: 50, backoffCapMs: 1_000, pageLimit: 20 };
type Told = Map<string, string>;

class Subject {
  private readonly clock;
  private readonly random;
  private readonly unhandled: string[] = [];
  private readonly errors = new Map<string, number>();
  private readonly told = new Map<string, Told>();
  private readonly before: Record<string, number>;
  private readonly closers: (() => Promise<void>)[] = [];
  private readonly mirrors: Caches[];
  private readonly singles: { name: string; kind: KindKey; reflector: Reflector<KubeObject> }[];
  private readonly inner: Inner;

  constructor(private readonly config: Config) {
    const note = (error: unknown): void =>
      void this.unhandled.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.on("unhandledRejection", note).on("uncaughtException", note);
    this.before = resources();
    this.clock = fastClock(config.factor);
    this.random = seededRandom(config.seed);
    const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
    this.mirrors = numbers(MIRRORS).map((n) => this.watchEverything(`mirror${n}`));
    this.singles = SINGLE.flatMap((kind) => numbers(SINGLES).map((n) => this.single(kind, n)));
    this.inner = startInner({
      kubernetes: { server: config.leaderServer, tokenFile: config.tokenFile },
      ...{ computeUrl: config.computeUrl, clock: this.clock, random: this.random, logger: this.logger("leader") },
    });
    this.inner.ended.catch(note);
  }

  /** Errors are counted by their text; the rest of what is said is of no interest here. */
  private logger(who: string): Logger {
    const count = (level: string) => (fields: object, message: string) => {
      const key = `${who} ${level}: ${message}`;
      this.errors.set(key, (this.errors.get(key) ?? 0) + 1);
    };
    return { debug: () => undefined, info: () => undefined, warn: count("warn"), error: count("error") };
  }
  private client(): ReturnType<typeof createApiClient> {
    const { mirrorServer: server, tokenFile } = this.config;
    return createApiClient({ server, tokenFile }, { clock: this.clock });
  }

  /** A standby's caches: all kinds, by WatchList. What their events alone tell is kept beside them. */
  private watchEverything(name: string): Caches {
    const client = this.client();
    const settings = {
      ...{ controllerName: CONTROLLER_NAME, project: PROJECT, region: REGION },
      ...{ datapath: "dataplane-v2" as const, defaultNetwork: true },
    };
    const { clock, random } = this;
    const caches = new Caches({ client, clock, random, settings, logger: this.logger(name), addressFact: () => undefined });
    const listener = Object.fromEntries(KIND_KEYS.map((kind) => [kind, this.teller(`${name} ${kind}`)]));
    caches.listen(listener as unknown as Listener);
    caches.start();
    this.closers.push(async () => {
      await caches.stop();
      await client.close();
    });
    return caches;
  }
  private single(kind: KindKey, number: number): Subject["singles"][number] {
    const client = this.client();
    const watchList = number % 2 === 0;
    const name = `${watchList ? "streamed" : "paged"}${number} ${kind}`;
    const reflector = new Reflector<KubeObject>({
      ...{ client, kind: KINDS[kind], clock: this.clock, random: this.random, watchList, tuning: QUICK },
      transform: ({ metadata: { name, namespace, uid, resourceVersion } }) => ({
        metadata: { name, namespace, uid, resourceVersion },
      }),
      logger: this.logger(watchList ? "streamed" : "paged"),
      onEvent: this.teller(name),
    });
    reflector.start();
    this.closers.push(async () => {
      await reflector.stop();
      await client.close();
    });
    return { name, kind, reflector };
  }
  private teller(name: string): (event: StoreEvent<KubeObject>) => void {
    const told: Told = new Map();
    this.told.set(name, told);
    return ({ type, object }) => {
      if (type === "deleted") told.delete(keyOf(object));
      else told.set(keyOf(object), identity(object));
    };
  }

  private dump(): Dump {
    const of = (objects: readonly KubeObject[]): string[] => objects.map(identity).sort();
    const stores: Dump["stores"] = {};
    for (const kind of KIND_KEYS) {
      this.mirrors.forEach((mirror, i) => (stores[`mirror${i + 1} ${kind}`] = { kind, objects: of(mirror.all(kind)) }));
      stores[`leader ${kind}`] = { kind, objects: of(this.inner.caches.all(kind)) };
    }
    for (const { name, kind, reflector } of this.singles) stores[name] = { kind, objects: of(reflector.store.list()) };
    return { stores, told: Object.fromEntries([...this.told].map(([name, told]) => [name, [...told.values()].sort()])) };
  }

  async answer(question: Question["ask"]): Promise<Answer["answer"]> {
    switch (question) {
      case "dump":
        return this.dump();
      case "heap":
        gc?.();
        await new Promise((r) => setTimeout(r, 50));
        gc?.();
        return { heap: process.memoryUsage().heapUsed, rss: process.memoryUsage().rss, open: resources() };
      case "stop":
        await Promise.all([this.inner.stop(), ...this.closers.map((close) => close())]);
        // Sockets of destroyed pools close within a turn or two of the event loop.
        await new Promise((r) => setTimeout(r, 500));
        return { before: this.before, after: resources(), unhandled: this.unhandled, said: Object.fromEntries(this.errors) };
    }
  }
}

const identity = ({ metadata }: KubeObject): string =>
  `${metadata.namespace ? `${metadata.namespace}/` : ""}${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`;

function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const at: { subject?: Subject } = {};
// The channel to the parent is open before anything is counted.
process.on("message", ({ id, ask }: Question) => {
  void at.subject?.answer(ask).then((answer) => process.send?.({ id, answer } satisfies Answer));
});
process.on("disconnect", () => process.exit(0));
at.subject = new Subject(JSON.parse(process.env["SOAK_CONFIG"] ?? "{}") as Config);
