// SPDX-License-Identifier: Apache-2.0
// What an API server does, as far as the controller leans on it. One suite for two servers: the one in memory (here, in the fast suite) and the
// real one (tests/models), so that what is simulated is what is.
import { expect } from "chai";
import {
  type ApiClient,
  type ApiErrorCode,
  isApiError,
  type KubeObject,
  type ResourceKind,
  resourcePath,
} from "../../controller/kubernetes";
import { addFinalizer, applyStatus, removeFinalizer } from "../../controller/kubernetes";

export const WIDGETS: ResourceKind = {
  group: "test.example.com",
  version: "v1",
  plural: "widgets",
  kind: "Widget",
  namespaced: true,
};
export interface ApiUnderTest {
  client: ApiClient;
  /** Forgets the history, where the server does not begin without one. */
  compact?(): void;
  namespace: string;
}
interface Condition {
  type: string;
  status: "True" | "False";
}
type Widget = KubeObject & { spec?: { size?: number }; status?: { pods?: string[]; conditions?: Condition[] } };
const MERGE = "application/merge-patch+json";

/** Registers the suite. @param open answers the server under test */
export function apiBehaviour(open: () => ApiUnderTest): void {
  let serial = 0;
  const path = (name?: string, sub?: string): string => resourcePath(WIDGETS, open().namespace, name, sub);
  const ask = <T = Widget>(...args: Parameters<ApiClient["request"]>): Promise<T> => open().client.request<T>(...args);
  const make = (more: object = {}, name = `w${++serial}`): Promise<Widget> =>
    ask("POST", path(), {
      body: {
        apiVersion: "test.example.com/v1",
        kind: "Widget",
        metadata: { name, namespace: open().namespace },
        spec: { size: 1 },
        ...more,
      },
    });
  const merge = (w: Widget, body: object, sub?: string): Promise<Widget> =>
    ask("PATCH", path(w.metadata.name, sub), { body, contentType: MERGE });
  const get = (w: Widget): Promise<Widget> => ask("GET", path(w.metadata.name));
  const apply = (w: Widget, fieldManager: string, status: object): Promise<Widget> => {
    const { namespace, name = "", resourceVersion = "" } = w.metadata;
    return applyStatus<Widget>(open().client, WIDGETS, { namespace, name, resourceVersion }, { status, fieldManager });
  };
  const cond = (type: string, status: Condition["status"]): Condition => ({ type, status });
  const types = (w: Widget): string[] => (w.status?.conditions ?? []).map((c) => `${c.type}=${c.status}`).sort();

  it("a new object has a UID, generation 1 and no status, whatever was sent", async () => {
    const made = await make({ status: { pods: ["x"] } });
    expect(made.metadata.uid).to.be.a("string");
    expect(made.metadata.generation).to.equal(1);
    expect(made.status).to.equal(undefined);
  });
  it("a status that is patched away belongs to nobody any more", async () => {
    const made = await apply(await make(), "one", { pods: ["a"], conditions: [cond("A", "True")] });
    const managers = (w: Widget): string[] =>
      ((w.metadata as { managedFields?: { manager: string; subresource?: string }[] }).managedFields ?? [])
        .filter((m) => m.subresource === "status")
        .map((m) => m.manager);
    expect(managers(made)).to.deep.equal(["one"]);
    expect(managers(await merge(made, { status: null }, "status"))).to.not.include("one");
  });
  it("a list may be narrowed to one name", async () => {
    const made = await make();
    await make();
    const listed = (name: string): Promise<{ items: Widget[] }> =>
      ask("GET", path(), { query: { fieldSelector: `metadata.name=${name}` } });
    expect((await listed(made.metadata.name ?? "")).items.map((o) => o.metadata.uid)).to.deep.equal([made.metadata.uid]);
    expect((await listed("none")).items).to.deep.equal([]);
  });
  it("a name that is taken is AlreadyExists", async () => {
    const made = await make();
    await refused("AlreadyExists", make({}, made.metadata.name));
  });
  it("what is not there is NotFound to read, change and delete", async () => {
    for (const deed of [
      ask("GET", path("none")),
      ask("PATCH", path("none"), { body: {}, contentType: MERGE }),
      ask("DELETE", path("none")),
    ])
      await refused("NotFound", deed);
  });
  it("a change under an old version is a Conflict, a patch with another UID is Invalid", async () => {
    const made = await make();
    const now = await merge(made, { spec: { size: 2 } });
    const { resourceVersion } = made.metadata;
    await refused("Conflict", merge(made, { metadata: { resourceVersion }, spec: { size: 3 } }));
    // A patch has no precondition of its own: the UID is a field that must not change.
    await refused(
      "Invalid",
      merge(made, { metadata: { uid: "another", resourceVersion: now.metadata.resourceVersion }, spec: { size: 3 } }),
    );
    await refused(
      "Conflict",
      ask("PUT", path(made.metadata.name), { body: { ...now, metadata: made.metadata, spec: { size: 3 } } }),
    );
    await refused(
      "Conflict",
      ask("DELETE", path(made.metadata.name), {
        body: { apiVersion: "v1", kind: "DeleteOptions", preconditions: { resourceVersion } },
      }),
    );
    expect((await get(made)).spec?.size).to.equal(2);
  });
  it("a new spec raises the generation; labels and status do not, and each door lets its own part in only", async () => {
    const made = await make();
    const spec = await merge(made, { spec: { size: 2 }, status: { pods: ["sneaked"] } });
    expect([spec.metadata.generation, spec.status]).to.deep.equal([2, undefined]);
    const labelled = await merge(made, { metadata: { labels: { a: "b" } } });
    expect(labelled.metadata.generation).to.equal(2);
    const status = await merge(made, { spec: { size: 9 }, status: { pods: ["p"] } }, "status");
    expect([status.metadata.generation, status.spec?.size, status.status?.pods]).to.deep.equal([2, 2, ["p"]]);
  });
  it("a write that changes nothing makes no new version", async () => {
    const made = await make();
    const same = await merge(made, { spec: { size: 1 } });
    expect(same.metadata.resourceVersion).to.equal(made.metadata.resourceVersion);
    const said = await apply(made, "us", { pods: ["p"], conditions: [cond("Accepted", "True")] });
    const again = await apply(said, "us", { pods: ["p"], conditions: [cond("Accepted", "True")] });
    expect(again.metadata.resourceVersion).to.equal(said.metadata.resourceVersion);
  });
  it("an applied status keeps the conditions of others, drops its own that it leaves out, and takes over what it sets", async () => {
    const made = await make();
    const ours = await apply(made, "us", { pods: ["p"], conditions: [cond("Accepted", "True"), cond("Ready", "False")] });
    const theirs = await apply(ours, "agent", { conditions: [cond("Node", "True")] });
    expect(types(theirs)).to.deep.equal(["Accepted=True", "Node=True", "Ready=False"]);
    const less = await apply(theirs, "us", { conditions: [cond("Accepted", "True"), cond("Node", "False")] });
    expect([types(less), less.status?.pods]).to.deep.equal([["Accepted=True", "Node=False"], undefined]);
    const back = await apply(less, "agent", { conditions: [cond("Node", "True")] });
    expect(types(back)).to.deep.equal(["Accepted=True", "Node=True"]);
  });
  it("an applied status under an old version is a Conflict", async () => {
    const made = await make();
    await apply(made, "us", { pods: ["p"] });
    await refused("Conflict", apply(made, "agent", { conditions: [cond("Node", "True")] }));
  });
  it("managedFields name who owns which condition of the status", async () => {
    const made = await make();
    const ours = await apply(made, "us", { pods: ["p"], conditions: [cond("Accepted", "True")] });
    const both = await apply(ours, "agent", { conditions: [cond("Node", "True")] });
    const entries = (both.metadata.managedFields as { manager: string; subresource?: string; fieldsV1: object }[]).filter(
      (e) => e.subresource === "status",
    );
    const text = (manager: string): string => JSON.stringify(entries.find((e) => e.manager === manager)?.fieldsV1);
    expect(text("us"))
      .to.include("f:pods")
      .and.include(String.raw`\"Accepted\"`)
      .and.not.include("Node");
    expect(text("agent"))
      .to.include(String.raw`\"Node\"`)
      .and.not.include("Accepted");
  });
  it("a finalizer holds a deleted object, which then has a new generation, until it is taken away; an empty list is none", async () => {
    const { client } = open();
    const made = await make();
    const held = await addFinalizer<Widget>(client, WIDGETS, made, "x.example.com/hold");
    expect(held.metadata.generation).to.equal(1);
    const free = await removeFinalizer<Widget>(client, WIDGETS, held, "x.example.com/hold");
    expect(free?.metadata.finalizers).to.equal(undefined);
    const again = await addFinalizer<Widget>(client, WIDGETS, free!, "x.example.com/hold");
    await refused("Conflict", addFinalizer(client, WIDGETS, made, "x.example.com/other"));
    await ask("DELETE", path(made.metadata.name));
    const dying = await get(made);
    expect(dying.metadata.deletionTimestamp).to.be.a("string");
    expect(dying.metadata.generation).to.equal(2);
    await ask("DELETE", path(made.metadata.name));
    expect((await get(made)).metadata.resourceVersion, "deleted twice").to.equal(dying.metadata.resourceVersion);
    await removeFinalizer(client, WIDGETS, again, "x.example.com/hold");
    await refused("NotFound", get(made));
  });
  it("a watch tells first what is there, then each change in order under growing versions, and goes on from a version", async () => {
    const first = await make();
    const initial = await watch(
      { sendInitialEvents: true, resourceVersionMatch: "NotOlderThan", allowWatchBookmarks: true },
      (l) => l.some((e) => e.type === "BOOKMARK"),
    );
    expect(initial.filter((e) => e.type === "ADDED").map((e) => e.object.metadata.name)).to.include(first.metadata.name);
    expect(initial.at(-1)?.object.metadata.annotations?.["k8s.io/initial-events-end"]).to.equal("true");
    const from = initial.at(-1)?.object.metadata.resourceVersion;
    const made = await make();
    await merge(made, { spec: { size: 5 } });
    await ask("DELETE", path(made.metadata.name));
    const told = await watch({ resourceVersion: from }, (l) => l.length >= 3);
    expect(told.map((e) => [e.type, e.object.metadata.name])).to.deep.equal(
      ["ADDED", "MODIFIED", "DELETED"].map((t) => [t, made.metadata.name]),
    );
    const versions = told.map((e) => Number(e.object.metadata.resourceVersion));
    expect([...versions].sort((a, b) => a - b)).to.deep.equal(versions);
    expect(new Set([from, ...versions.map(String)]).size).to.equal(4);
  });

  it("a watch from a version that is gone is opened, and its one line is an error 410 Expired", async () => {
    await make();
    open().compact?.();
    await make();
    const [told, ...more] = await watch({ resourceVersion: "1" }, (l) => l.length >= 1);
    expect([told?.type, (told?.object as { code?: number; reason?: string }).code]).to.deep.equal(["ERROR", 410]);
    expect((told?.object as { reason?: string }).reason).to.equal("Expired");
    expect(more).to.deep.equal([]);
  });

  interface Told {
    type: string;
    object: Widget;
  }
  async function watch(query: Record<string, string | boolean | undefined>, enough: (list: Told[]) => boolean): Promise<Told[]> {
    const stream = await open().client.stream(path(), { query: { ...query, watch: true } });
    const told: Told[] = [];
    let rest = "";
    for await (const chunk of stream) {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      told.push(...lines.map((l) => JSON.parse(l) as Told));
      if (enough(told)) break;
    }
    stream.close();
    return told;
  }
}
async function refused(code: ApiErrorCode, deed: Promise<unknown>): Promise<void> {
  const error = await deed.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(isApiError(error) ? error.code : error).to.equal(code);
}
