// SPDX-License-Identifier: Apache-2.0
// What we write, on a real API server: status by server-side apply, finalizers, events as kubectl shows them.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "chai";
import {
  addFinalizer,
  type ApiClient,
  ApiError,
  applyStatus,
  type Condition,
  EventRecorder,
  type KubeObject,
  ownConditions,
  removeFinalizer,
  resourcePath,
  sameStatus,
  systemClock,
} from "../../controller/kubernetes";
import { sharedApiServer, type TestApiServer } from "../support/apiserver";
import { installWidgets, NAMESPACES, newNamespace, remove, WIDGETS } from "./world";

interface Widget extends KubeObject {
  spec?: { size: number };
  status?: { conditions?: Condition[]; pods?: string[] };
}

const MANAGER = "persistent-ip";
const FINALIZER = "test.example.com/ours";

describe("writes on a real API server", function () {
  this.timeout(60_000);
  let server: TestApiServer;
  let client: ApiClient;
  let namespace: string;

  before(async function () {
    server = await sharedApiServer(this);
    client = server.client();
    await installWidgets(client);
    namespace = await newNamespace(client);
  });

  const path = (name: string, subresource?: string): string => resourcePath(WIDGETS, namespace, name, subresource);
  const read = (name: string): Promise<Widget> => client.request<Widget>("GET", path(name));
  const create = (name: string, metadata: object = {}): Promise<Widget> =>
    client.request<Widget>("POST", resourcePath(WIDGETS, namespace), {
      body: { apiVersion: "test.example.com/v1", kind: "Widget", metadata: { name, namespace, ...metadata }, spec: { size: 1 } },
    });

  async function foreignCondition(name: string, type: string): Promise<void> {
    const body = {
      apiVersion: "test.example.com/v1",
      kind: "Widget",
      metadata: { name, namespace },
      status: { conditions: [{ type, status: "True" }] },
    };
    const query = { fieldManager: "google", force: true };
    await client.request("PATCH", path(name, "status"), { body, query, contentType: "application/apply-patch+yaml" });
  }

  function write(widget: Widget, conditions: Condition[], pods?: string[]): Promise<Widget> {
    const { name = "", resourceVersion = "", uid } = widget.metadata;
    const status = { conditions: ownConditions(widget.status?.conditions, conditions, Date.now()), pods };
    return applyStatus<Widget>(client, WIDGETS, { namespace, name, resourceVersion, uid }, { status, fieldManager: MANAGER });
  }

  async function failure(promise: Promise<unknown>): Promise<ApiError> {
    const error = await promise.then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).to.be.instanceOf(ApiError);
    return error as ApiError;
  }

  describe("status", () => {
    it("keeps a foreign condition, and owns only its own (T7)", async () => {
      await create("foreign");
      await foreignCondition("foreign", "DPV2Ready");
      await write(await read("foreign"), [{ type: "Accepted", status: "True", reason: "R" }], ["p1"]);
      const { status, metadata } = await read("foreign");
      expect(status?.conditions?.map(({ type }) => type).sort()).to.deep.equal(["Accepted", "DPV2Ready"]);
      const ours = (metadata.managedFields as { manager: string; fieldsV1: object }[]).find(({ manager }) => manager === MANAGER);
      expect(JSON.stringify(ours?.fieldsV1)).to.contain("Accepted").and.not.contain("DPV2Ready");
    });

    it("takes over a condition of the same type from another writer, and heals a status that was deleted by hand (T3, T7)", async () => {
      await create("healed");
      await foreignCondition("healed", "Ready");
      const mine: Condition[] = [{ type: "Ready", status: "False", reason: "Mine" }];
      await write(await read("healed"), mine);
      const widget = await read("healed");
      expect(widget.status?.conditions).to.have.length(1);
      await client.request("PUT", path("healed", "status"), { body: { ...widget, status: {} } });
      expect((await read("healed")).status?.conditions ?? []).to.have.length(0);
      await write(await read("healed"), mine);
      expect((await read("healed")).status?.conditions?.[0]).to.include({ type: "Ready", status: "False", reason: "Mine" });
    });

    it("removes a condition and a field that it no longer applies", async () => {
      const widget = await create("shrinks");
      const ready: Condition = { type: "Ready", status: "True" };
      const first = await write(widget, [ready, { type: "Moving", status: "True" }], ["p1"]);
      await write(first, [ready]);
      const { status } = await read("shrinks");
      expect(status?.conditions?.map(({ type }) => type)).to.deep.equal(["Ready"]);
      expect(status).to.not.have.property("pods");
    });

    it("is recognised as unchanged in whatever order the server keeps it, so that the write is skipped (T2)", async () => {
      const widget = await create("quiet");
      const wanted: Condition[] = [
        { type: "Ready", status: "True", reason: "R" },
        { type: "Accepted", status: "True", reason: "A" },
      ];
      await write(widget, wanted, ["p"]);
      const now = await read("quiet");
      const next = { pods: ["p"], conditions: ownConditions(now.status?.conditions, [...wanted].reverse(), Date.now() + 60_000) };
      expect(sameStatus(now.status, next)).to.equal(true);
      expect(sameStatus(now.status, { ...next, pods: ["q"] })).to.equal(false);
    });

    it("does not change the object, its generation or its times when it is applied again all the same (T2)", async () => {
      const first = await write(await create("again"), [{ type: "Ready", status: "True" }]);
      const second = await write(first, [{ type: "Ready", status: "True" }]);
      expect(second.metadata.resourceVersion).to.equal(first.metadata.resourceVersion);
      expect(second.metadata.generation).to.equal(1);
    });

    it("is refused as Conflict when the object has changed since it was read (C4)", async () => {
      const stale = await create("stale");
      await client.request("PATCH", path("stale"), { body: { spec: { size: 2 } } });
      const error = await failure(write(stale, [{ type: "Ready", status: "True" }]));
      expect(error).to.include({ code: "Conflict", status: 409, retry: false });
      expect((await read("stale")).status).to.equal(undefined);
      await write(await read("stale"), [{ type: "Ready", status: "True" }]);
    });

    it("is refused as Conflict when another object has that name now, and as NotFound when there is none", async () => {
      const before = await create("reborn");
      await remove(client, WIDGETS, namespace, "reborn");
      expect(await failure(write(before, []))).to.include({ code: "NotFound" });
      await create("reborn");
      expect(await failure(write(before, [{ type: "Ready", status: "True" }]))).to.include({ code: "Conflict" });
    });

    it("does not touch spec or labels", async () => {
      const widget = await create("narrow", { labels: { a: "b" } });
      await write(widget, [{ type: "Ready", status: "True" }]);
      const after = await read("narrow");
      expect([after.spec, after.metadata.labels, after.metadata.generation]).to.deep.equal([{ size: 1 }, { a: "b" }, 1]);
    });
  });

  describe("finalizers", () => {
    it("are added to none and to others, and taken away without touching the others", async () => {
      let widget = await create("fin");
      widget = await addFinalizer(client, WIDGETS, widget, FINALIZER);
      expect(widget.metadata.finalizers).to.deep.equal([FINALIZER]);
      expect(await addFinalizer(client, WIDGETS, widget, FINALIZER), "no request for what is there").to.equal(widget);
      widget = await addFinalizer(client, WIDGETS, widget, "test.example.com/other");
      const left = await removeFinalizer(client, WIDGETS, widget, FINALIZER);
      expect(left?.metadata.finalizers).to.deep.equal(["test.example.com/other"]);
    });

    it("answer Conflict when the list has changed meanwhile, in every direction", async () => {
      const bare = await create("race");
      const one = await addFinalizer(client, WIDGETS, bare, FINALIZER);
      expect(await failure(addFinalizer(client, WIDGETS, bare, "test.example.com/late"))).to.include({ code: "Conflict" });
      const two = await addFinalizer(client, WIDGETS, one, "test.example.com/second");
      expect(await failure(addFinalizer(client, WIDGETS, one, "test.example.com/late"))).to.include({ code: "Conflict" });
      await removeFinalizer(client, WIDGETS, two, FINALIZER);
      expect(
        await failure(removeFinalizer(client, WIDGETS, two, "test.example.com/second")),
        "moved to another place",
      ).to.include({
        code: "Conflict",
      });
      const none = await removeFinalizer(client, WIDGETS, await read("race"), "test.example.com/second");
      expect(none?.metadata.finalizers ?? []).to.deep.equal([]);
      expect(await failure(removeFinalizer(client, WIDGETS, two, FINALIZER)), "removed by somebody else").to.include({
        code: "Conflict",
      });
    });

    it("never reach another object of the same name", async () => {
      const before = await create("twin");
      await remove(client, WIDGETS, namespace, "twin");
      await create("twin");
      expect(await failure(addFinalizer(client, WIDGETS, before, FINALIZER))).to.include({ code: "Conflict" });
    });

    it("hold a deleted object until ours is taken away; after that there is nothing to do", async () => {
      await addFinalizer(client, WIDGETS, await create("held"), FINALIZER);
      await remove(client, WIDGETS, namespace, "held");
      const deleting = await read("held");
      expect(deleting.metadata.deletionTimestamp).to.be.a("string");
      await removeFinalizer(client, WIDGETS, deleting, FINALIZER);
      expect(await failure(read("held"))).to.include({ code: "NotFound" });
      expect(await removeFinalizer(client, WIDGETS, deleting, FINALIZER)).to.equal(undefined);
    });

    it("are still Invalid where the server refuses the change itself", async () => {
      const widget = await addFinalizer(client, WIDGETS, await create("late"), FINALIZER);
      await remove(client, WIDGETS, namespace, "late");
      const error = await failure(addFinalizer(client, WIDGETS, await read("late"), "test.example.com/too-late"));
      expect(error).to.include({ code: "Invalid" });
      await removeFinalizer(client, WIDGETS, widget, FINALIZER);
    });
  });

  describe("events", () => {
    const recorderOf = (): EventRecorder =>
      new EventRecorder({ client, component: MANAGER, instance: "pod-1", clock: systemClock });

    async function describeIt(...args: string[]): Promise<string> {
      const { stdout } = await promisify(execFile)(server.kubectl, ["--kubeconfig", server.kubeconfigPath, "describe", ...args]);
      return stdout;
    }

    it("are shown by kubectl describe with reason, count, source and message", async () => {
      const { metadata } = await create("told");
      const target = { apiVersion: "test.example.com/v1", kind: "Widget", namespace, name: "told", uid: metadata.uid };
      const recorder = recorderOf();
      recorder.event(target, "Warning", "QuotaExceeded", "forwarding rules: 0 of 15 left");
      for (let i = 0; i < 3; i++) recorder.event(target, "Normal", "Moved", "34.0.0.1 moved to pod p1");
      await recorder.flush();
      const text = await describeIt("widget.test.example.com", "told", "-n", namespace);
      expect(text).to.match(/Warning\s+QuotaExceeded\s+\S+\s+persistent-ip\s+forwarding rules: 0 of 15 left/);
      expect(text).to.match(/Normal\s+Moved\s+\S+ \(x3 over \S+\)\s+persistent-ip\s+34\.0\.0\.1 moved to pod p1/);
    });

    it("of a cluster-scoped object are found too", async () => {
      const { metadata } = await client.request<KubeObject>("GET", resourcePath(NAMESPACES, undefined, namespace));
      const recorder = recorderOf();
      recorder.event({ apiVersion: "v1", kind: "Namespace", name: namespace, uid: metadata.uid }, "Normal", "Seen", "here");
      await recorder.flush();
      const { stdout } = await promisify(execFile)(server.kubectl, [
        ...["--kubeconfig", server.kubeconfigPath, "get", "events", "-n", "default", "-o", "wide"],
        ...["--field-selector", `involvedObject.uid=${metadata.uid}`],
      ]);
      expect(stdout).to.match(
        /Normal\s+Seen\s+namespace\/\S+\s+persistent-ip, pod-1|Normal\s+Seen\s+namespace\/\S+.*persistent-ip.*here/,
      );
    });

    it("are dropped quietly where RBAC forbids them", async () => {
      const recorder = new EventRecorder({ client: server.client("nobody"), component: MANAGER, clock: systemClock });
      recorder.event({ apiVersion: "v1", kind: "Namespace", name: namespace }, "Normal", "Secret", "x");
      await recorder.flush();
      const all = await client.request<{ items: { reason: string }[] }>("GET", "/api/v1/namespaces/default/events");
      expect(all.items.some(({ reason }) => reason === "Secret")).to.equal(false);
    });
  });
});
