// SPDX-License-Identifier: Apache-2.0
// The reflector against a real kube-apiserver and etcd: both ways to sync, compaction, restarts, freezes, and a soak of cuts.
import { expect } from "chai";
import {
  type ApiClient,
  createApiClient,
  keyOf,
  type KubeList,
  Reflector,
  type ReflectorOptions,
  type RequestRecord,
  resourcePath,
  systemClock,
} from "../../controller/kubernetes";
import { sharedApiServer, startApiServer, type TestApiServer } from "../support/apiserver";
import {
  CONFIG_MAPS,
  type ConfigMap,
  eventually,
  installWidgets,
  newNamespace,
  putConfigMap,
  remove,
  Road,
  WIDGETS,
} from "./world";

const QUICK = { backoffBaseMs: 20, backoffCapMs: 200, missingKindCapMs: 100 };

describe("reflector on a real API server", function () {
  this.timeout(60_000);
  let server: TestApiServer;
  let admin: ApiClient;
  let namespace: string;
  const cleanups: (() => Promise<unknown>)[] = [];

  before(async function () {
    server = await sharedApiServer(this);
  });

  beforeEach(async () => {
    admin = server.client();
    namespace = await newNamespace(admin);
  });

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  function reflect(
    client: ApiClient,
    more: Partial<ReflectorOptions<ConfigMap>> = {},
  ): { reflector: Reflector<ConfigMap>; events: string[] } {
    const events: string[] = [];
    const reflector = new Reflector<ConfigMap>({
      client,
      kind: CONFIG_MAPS,
      namespace,
      fieldSelector: "metadata.name!=kube-root-ca.crt",
      clock: systemClock,
      random: Math.random,
      onEvent: (e) =>
        void events.push(`${e.type} ${e.object.metadata.name}=${e.object.data?.["value"]}${e.initial ? " initial" : ""}`),
      ...more,
      tuning: { ...QUICK, ...more.tuning },
    });
    cleanups.push(() => reflector.stop());
    reflector.start();
    return { reflector, events };
  }

  async function equalsList(reflector: Reflector<ConfigMap>): Promise<void> {
    const query = { fieldSelector: "metadata.name!=kube-root-ca.crt" };
    const list = await admin.request<KubeList<ConfigMap>>("GET", resourcePath(CONFIG_MAPS, namespace), { query });
    const flat = (objects: ConfigMap[]): string[] =>
      objects.map((o) => `${keyOf(o)}@${o.metadata.resourceVersion} ${o.metadata.uid}`).sort();
    expect(flat(reflector.store.list())).to.deep.equal(flat(list.items ?? []));
  }

  it("syncs by WatchList in one request and then follows every change", async () => {
    const client = server.client();
    const records: RequestRecord[] = [];
    client.onRequest((record) => records.push(record));
    await putConfigMap(admin, namespace, "a", "1");
    await putConfigMap(admin, namespace, "b", "1");
    const { reflector, events } = reflect(client);
    await reflector.whenSynced();
    expect(events.sort()).to.deep.equal(["added a=1 initial", "added b=1 initial"]);
    await putConfigMap(admin, namespace, "a", "2");
    await putConfigMap(admin, namespace, "c", "1");
    await remove(admin, CONFIG_MAPS, namespace, "b");
    await eventually("all three changes", () => events.length === 5);
    expect(events.slice(2)).to.deep.equal(["modified a=2", "added c=1", "deleted b=1"]);
    expect(records.map(({ method, watch }) => [method, watch])).to.deep.equal([["GET", true]]);
    await equalsList(reflector);
  });

  it("keeps whole objects, without managedFields, and with kind and apiVersion in both ways of syncing", async () => {
    await putConfigMap(admin, namespace, "a", 'ümläut \\ " ]');
    for (const watchList of [true, false]) {
      const { reflector } = reflect(admin, { watchList });
      await reflector.whenSynced();
      const object = reflector.store.get(`${namespace}/a`);
      expect(object).to.deep.include({ apiVersion: "v1", kind: "ConfigMap", data: { value: 'ümläut \\ " ]' } });
      expect(object?.metadata).to.not.have.property("managedFields");
    }
    const { reflector } = reflect(admin, { keepManagedFields: true });
    await reflector.whenSynced();
    expect(reflector.store.get(`${namespace}/a`)?.metadata.managedFields).to.have.length(1);
  });

  it("pages through a list where WatchList is off, and sees the same", async () => {
    const client = server.client();
    const records: RequestRecord[] = [];
    client.onRequest((record) => records.push(record));
    await Promise.all(Array.from({ length: 25 }, (_, i) => putConfigMap(admin, namespace, `m${i}`, "1")));
    const { reflector, events } = reflect(client, { watchList: false, tuning: { pageLimit: 10 } });
    await reflector.whenSynced();
    expect(events).to.have.length(25);
    expect(records.filter((record) => record.watch !== true)).to.have.length(3);
    await putConfigMap(admin, namespace, "m3", "2");
    await eventually("the change", () => events.at(-1) === "modified m3=2");
    await equalsList(reflector);
  });

  it("waits for a kind whose definition comes later", async () => {
    const gadgets = { ...WIDGETS, plural: `gadgets${process.pid}`, kind: "Gadget" };
    let missing = 0;
    const { reflector } = reflect(admin, { kind: gadgets, fieldSelector: undefined, onMissingKind: () => void missing++ });
    await eventually("the kind is found missing", () => reflector.kindMissing());
    await installWidgets(admin, gadgets.plural, gadgets.kind);
    await reflector.whenSynced();
    expect([missing, reflector.kindMissing()]).to.deep.equal([1, false]);
  });

  it("lists again after a real compaction and a restart: lost deletes, and a name that is another object now (C5, C9)", async () => {
    const own = await startApiServer(["--etcd-compaction-interval=1s"]);
    cleanups.push(() => own.stop());
    const road = await Road.to(own.server);
    cleanups.push(() => road.close());
    admin = own.client();
    namespace = await newNamespace(admin);
    const client = createApiClient({ server: road.server, caPem: own.caPem, token: own.adminToken });
    cleanups.push(() => client.close());
    const failures: string[] = [];
    const log = (fields: object): void => void failures.push(String((fields as { code?: string }).code));
    const { reflector, events } = reflect(client, { logger: { debug: log, info: log, warn: log, error: log } });
    for (const name of ["stays", "goes", "again"]) await putConfigMap(admin, namespace, name, "1");
    await eventually("three objects", () => reflector.store.size === 3);
    const lastHeard = reflector.lastActivity();
    road.cut();
    events.length = 0;
    await remove(admin, CONFIG_MAPS, namespace, "goes");
    await remove(admin, CONFIG_MAPS, namespace, "again");
    await putConfigMap(admin, namespace, "again", "2");
    // Two intervals of the server's own compactor put everything from before the cut out of etcd's reach.
    for (let i = 0; i < 30; i++) {
      await putConfigMap(admin, namespace, "busy", String(i));
      await systemClock.sleep(100);
    }
    await own.plane.restart("kube-apiserver");
    expect(reflector.lastActivity(), "cut off, and it says so").to.be.lessThan(lastHeard + 1000);
    road.mend();
    await eventually("the relist", () => events.some((event) => event.startsWith("deleted goes")));
    expect(failures).to.include("Gone");
    expect(events).to.include("deleted again=1").and.include("added again=2").and.include("added busy=29");
    expect(events.indexOf("deleted again=1")).to.be.lessThan(events.indexOf("added again=2"));
    expect(events.some((event) => event.includes("stays"))).to.equal(false);
    await equalsList(reflector);
  });

  it("falls back to pages at a server that has WatchList switched off", async () => {
    const own = await startApiServer(["--feature-gates=WatchList=false"]);
    cleanups.push(() => own.stop());
    admin = own.client();
    namespace = await newNamespace(admin);
    await putConfigMap(admin, namespace, "a", "1");
    const records: RequestRecord[] = [];
    admin.onRequest((record) => records.push(record));
    const { reflector, events } = reflect(admin);
    await reflector.whenSynced();
    await putConfigMap(admin, namespace, "a", "2");
    await eventually("the change", () => events.at(-1) === "modified a=2");
    const gets = records.filter(({ method }) => method === "GET");
    expect(gets.map(({ status, watch }) => [status, watch === true])).to.deep.equal([
      [422, true],
      [200, false],
      [200, true],
    ]);
  });

  it("survives a server that freezes, and one that is killed and comes back (C7, C9)", async () => {
    const own = await startApiServer();
    cleanups.push(() => own.stop());
    admin = own.client();
    namespace = await newNamespace(admin);
    const { reflector, events } = reflect(admin, { tuning: { silenceMs: 1500 } });
    await reflector.whenSynced();
    own.plane.pause("kube-apiserver");
    await systemClock.sleep(2000);
    own.plane.resume("kube-apiserver");
    await eventually("the server answers again", () =>
      putConfigMap(admin, namespace, "a", "1").then(
        () => true,
        () => false,
      ),
    );
    await eventually("news after the freeze", () => events.includes("added a=1"));
    await own.plane.restart("kube-apiserver");
    await putConfigMap(admin, namespace, "a", "2");
    await eventually("news after the restart", () => events.includes("modified a=2"));
    await equalsList(reflector);
  });

  it("loses nothing in a soak of changes and cut connections", async () => {
    const road = await Road.to(server.server);
    cleanups.push(() => road.close());
    const client = createApiClient({ server: road.server, caPem: server.caPem, token: server.adminToken });
    cleanups.push(() => client.close());
    const { reflector } = reflect(client, { tuning: { healthyMs: 100 } });
    await reflector.whenSynced();
    const lastSeen = new Map<string, string>();
    let cuts = 0;
    for (let round = 0; round < 200; round++) {
      const name = `m${round % 17}`;
      if (round % 7 === 3 && lastSeen.delete(name)) await remove(admin, CONFIG_MAPS, namespace, name);
      else lastSeen.set(name, (await putConfigMap(admin, namespace, name, String(round))).metadata.resourceVersion ?? "");
      if (round % 25 !== 10) continue;
      road.cut();
      cuts += 1;
      setTimeout(() => road.mend(), 30 * cuts);
    }
    road.mend();
    await eventually("store and server agree", () => {
      const seen = reflector.store.list();
      return (
        seen.length === lastSeen.size && seen.every((o) => lastSeen.get(o.metadata.name ?? "") === o.metadata.resourceVersion)
      );
    });
    await equalsList(reflector);
    expect(cuts).to.equal(8);
  });
});
