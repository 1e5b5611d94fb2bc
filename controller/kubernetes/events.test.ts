// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { ApiError } from "./errors";
import { EventRecorder, type EventTarget } from "./events";
import { FakeClock } from "./testing";
import type { ApiClient, Method, RequestOptions } from "./transport";

interface Sent {
  method: Method;
  path: string;
  body: {
    count?: number;
    message?: string;
    lastTimestamp?: string;
    metadata?: { name: string; namespace: string };
    source?: object;
  };
}

const ROUTE: EventTarget = { apiVersion: "networking.gke.io/v1", kind: "GKEIPRoute", namespace: "ns", name: "route", uid: "u1" };

describe("event recorder", () => {
  let sent: Sent[];
  let clock: FakeClock;
  let answer: (sent: Sent) => void;
  let recorder: EventRecorder;

  beforeEach(() => {
    sent = [];
    clock = new FakeClock();
    answer = () => undefined;
    const client: Pick<ApiClient, "request"> = {
      request<T>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
        const entry: Sent = { method, path, body: options.body as Sent["body"] };
        sent.push(entry);
        return Promise.resolve().then(() => (answer(entry), undefined as T));
      },
    };
    recorder = new EventRecorder({ client: client as ApiClient, component: "persistent-ip", instance: "pod-1", clock });
  });

  async function flush(): Promise<void> {
    let done = false;
    const flushed = recorder.flush().then(() => (done = true));
    while (!done) await clock.advance(1_000);
    await flushed;
  }

  it("writes an event that kubectl describe finds: object, source, both times, count 1", async () => {
    recorder.event(ROUTE, "Warning", "QuotaExceeded", "forwarding rules: 0 left");
    await flush();
    expect(sent).to.have.length(1);
    expect(sent[0]).to.include({ method: "POST", path: "/api/v1/namespaces/ns/events" });
    expect(sent[0]?.body).to.deep.include({
      involvedObject: ROUTE,
      type: "Warning",
      reason: "QuotaExceeded",
      message: "forwarding rules: 0 left",
      count: 1,
      firstTimestamp: "2026-01-01T00:00:00Z",
      lastTimestamp: "2026-01-01T00:00:00Z",
      source: { component: "persistent-ip" },
      reportingInstance: "pod-1",
    });
    expect(sent[0]?.body.metadata?.name).to.match(/^route\.[0-9a-f]+$/);
  });

  it("puts events of cluster-scoped objects into default, where describe looks", async () => {
    recorder.event({ ...ROUTE, namespace: undefined }, "Normal", "R", "m");
    await flush();
    expect(sent[0]?.path).to.equal("/api/v1/namespaces/default/events");
  });

  it("counts an event that is repeated within 600 s instead of writing another", async () => {
    recorder.event(ROUTE, "Normal", "Moved", "to p1");
    await clock.advance(5_000);
    recorder.event(ROUTE, "Normal", "Moved", "to p1");
    await flush();
    expect(sent.map(({ method }) => method)).to.deep.equal(["POST", "PATCH"]);
    expect(sent[1]?.path).to.equal(`/api/v1/namespaces/ns/events/${sent[0]?.body.metadata?.name}`);
    expect(sent[1]?.body).to.deep.equal({ count: 2, lastTimestamp: "2026-01-01T00:00:05Z" });
    await clock.advance(601_000);
    recorder.event(ROUTE, "Normal", "Moved", "to p1");
    await flush();
    expect(sent.map(({ method }) => method)).to.deep.equal(["POST", "PATCH", "POST"]);
    expect(new Set([sent[0], sent[2]].map((entry) => entry?.body.metadata?.name)).size).to.equal(2);
  });

  it("writes anew when the server has already cleaned up the event it would count", async () => {
    recorder.event(ROUTE, "Normal", "Moved", "to p1");
    await flush();
    answer = ({ method }) => {
      if (method === "PATCH") throw new ApiError("NotFound", "gone");
    };
    recorder.event(ROUTE, "Normal", "Moved", "to p1");
    await flush();
    expect(sent.map(({ method }) => method)).to.deep.equal(["POST", "PATCH", "POST"]);
  });

  it("lets messages beyond ten different ones for one reason share one event", async () => {
    for (let i = 0; i < 14; i++) recorder.event(ROUTE, "Warning", "Failed", `try ${i}`);
    await flush();
    const posts = sent.filter(({ method }) => method === "POST");
    expect(posts.map(({ body }) => body.message).slice(0, 10)).to.deep.equal([...Array(10).keys()].map((i) => `try ${i}`));
    expect(posts).to.have.length(11);
    expect(posts[10]?.body.message).to.contain("more events of this kind");
    expect(sent.filter(({ method }) => method === "PATCH").map(({ body }) => body.count)).to.deep.equal([2, 3, 4]);
  });

  it("holds each object to 25 events and then one in 5 minutes, and other objects are not touched by that", async () => {
    for (let i = 0; i < 40; i++) recorder.event(ROUTE, "Normal", `R${i}`, "m");
    recorder.event({ ...ROUTE, name: "other", uid: "u2" }, "Normal", "R", "m");
    await flush();
    expect(sent).to.have.length(26);
    await clock.advance(300_000);
    recorder.event(ROUTE, "Normal", "Late1", "m");
    recorder.event(ROUTE, "Normal", "Late2", "m");
    await flush();
    expect(sent).to.have.length(27);
  });

  it("tries again what may succeed, drops the rest, and throws in neither case", async () => {
    let failures = 2;
    answer = () => {
      if (failures-- > 0) throw new ApiError("Unavailable", "soon");
    };
    recorder.event(ROUTE, "Normal", "A", "m");
    await flush();
    expect(sent).to.have.length(3);
    answer = () => {
      throw new ApiError("Forbidden", "no");
    };
    recorder.event(ROUTE, "Normal", "B", "m");
    await flush();
    answer = () => {
      throw new ApiError("Network", "never");
    };
    recorder.event(ROUTE, "Normal", "C", "m");
    await flush();
    expect(sent).to.have.length(7);
  });

  it("keeps the message within what the API takes", async () => {
    recorder.event(ROUTE, "Normal", "R", "x".repeat(5_000));
    await flush();
    expect(sent[0]?.body.message).to.have.length(1_024);
  });
});
