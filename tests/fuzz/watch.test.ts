// SPDX-License-Identifier: Apache-2.0
// Any bytes on a watch: every whole event before the first wrong byte is handed over, in order, and what is wrong ends in an ApiError.
import { expect } from "chai";
import * as fc from "fast-check";
import { isApiError, systemClock, type ApiClient, type ByteStream } from "../../controller/kubernetes";
import { cutManagedFields, LineSplitter, parseObject } from "../../controller/kubernetes/bytes";
import { listAll } from "../../controller/kubernetes/list";
import { readWatch, type WatchEvent } from "../../controller/kubernetes/watch";
import { json, pieces, text } from "./arbitraries";
import { check, checkAsync } from "./budget";

const metadata = fc.record({
  name: text,
  labels: fc.dictionary(text, text, { maxKeys: 2 }),
  annotations: fc.dictionary(text, text, { maxKeys: 2 }),
});
const event = fc.record({
  type: fc.constantFrom("ADDED", "MODIFIED", "DELETED", "BOOKMARK"),
  object: fc.record({ kind: text, metadata, spec: json }),
});
const stream = (chunks: readonly Buffer[]): ByteStream => ({
  close: () => undefined,
  async *[Symbol.asyncIterator]() {
    yield* chunks;
  },
});
async function watched(chunks: readonly Buffer[]): Promise<{ events: WatchEvent[]; error?: unknown }> {
  const client = { stream: () => Promise.resolve(stream(chunks)) } as unknown as ApiClient;
  const events: WatchEvent[] = [];
  const options = { client, path: "/things", query: {}, clock: systemClock, signal: new AbortController().signal };
  const rest = { silenceMs: () => 60_000, keepManagedFields: true, onOpen: () => undefined, onActivity: () => undefined };
  try {
    await readWatch({ ...options, ...rest }, (e) => void events.push(e));
    return { events };
  } catch (error) {
    return { events, error };
  }
}
const lines = (events: readonly object[]): Buffer => Buffer.from(events.map((e) => `${JSON.stringify(e)}\n`).join(""));
const plain = (v: unknown): unknown => JSON.parse(JSON.stringify(v));

describe("fuzz: bytes of a watch", function () {
  this.timeout(300_000);

  it("lines come out whole, wherever the chunks are cut", () =>
    check(
      0.08,
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 12 }), { maxLength: 6 }).chain((parts) => {
        const bytes = Buffer.concat(parts.map((p) => Buffer.from(p)));
        return pieces(bytes).map((chunks) => ({ bytes, chunks }));
      }),
      ({ bytes, chunks }) => {
        const splitter = new LineSplitter();
        const got = chunks.flatMap((c) => [...splitter.push(c)].map((l) => l.toString("latin1")));
        expect(got).to.deep.equal(
          bytes
            .toString("latin1")
            .split("\n")
            .slice(0, -1)
            .filter((l) => l !== ""),
        );
      },
    ));

  it("events come out as they were sent, wherever the chunks are cut (C5)", () =>
    checkAsync(
      0.05,
      fc.array(event, { maxLength: 4 }).chain((events) => pieces(lines(events)).map((chunks) => ({ events, chunks }))),
      async ({ events, chunks }) => {
        const got = await watched(chunks);
        expect(got.error).to.equal(undefined);
        expect(got.events).to.deep.equal(plain(events));
      },
    ));

  it("what is no event ends the watch with an ApiError, after every event before it", () => {
    const wrong = fc.oneof(
      fc
        .uint8Array({ minLength: 1, maxLength: 30 })
        .map((b) => Buffer.concat([Buffer.from("x"), Buffer.from(b).map((c) => (c === 10 ? 11 : c)), Buffer.from("\n")])),
      json.map((v) => Buffer.from(`${JSON.stringify(v)}\n`)),
      fc
        .record({
          type: fc.oneof(text, fc.constant("ERROR"), fc.constant("ADDED")),
          object: fc.oneof(json, fc.record({ code: json, reason: json, message: json, details: json })),
        })
        .map((e) => lines([e])),
    );
    return checkAsync(
      0.06,
      fc.record({ events: fc.array(event, { maxLength: 2 }), wrong, after: event }),
      async ({ events, wrong: bytes, after }) => {
        const got = await watched([Buffer.concat([lines(events), bytes, lines([after])])]);
        expect(got.events.slice(0, events.length)).to.deep.equal(plain(events));
        if (got.error !== undefined) expect(isApiError(got.error), String((got.error as Error).stack)).to.equal(true);
        else
          expect(got.events.length, "a line that passes for an event has an object with metadata").to.be.greaterThan(
            events.length + 1,
          );
      },
    );
  });

  it("managedFields are cut out of what the API server writes, and nothing else is touched, whatever the texts say", () => {
    const entry = fc.record({ manager: text, operation: fc.constant("Update"), fieldsV1: json, subresource: text });
    const nasty = fc.oneof(text, fc.constantFrom('"managedFields":[{"manager":"x"}]', '\\"managedFields\\":[', "]}", '"'));
    return check(
      0.08,
      fc.record({
        name: nasty,
        entries: fc.array(entry, { minLength: 1, maxLength: 3 }),
        note: nasty,
        spec: json,
        first: fc.boolean(),
      }),
      (o) => {
        const rest = { name: o.name, annotations: { note: o.note } };
        const meta = o.first ? { managedFields: o.entries, ...rest } : { ...rest, managedFields: o.entries };
        const bytes = Buffer.from(JSON.stringify({ metadata: meta, spec: o.spec }));
        expect(JSON.parse(cutManagedFields(bytes))).to.deep.equal(plain({ metadata: rest, spec: o.spec }));
        expect(parseObject(bytes, true)).to.deep.equal(plain({ metadata: meta, spec: o.spec }));
      },
    );
  });

  it("a list comes out item by item as JSON.parse reads it, whatever is in it; a part of one, or what is no list of objects, is an ApiError", () => {
    const item = fc.record({ metadata, items: json, spec: json, note: fc.constantFrom('"items":[', '{"items":[{', "]}", '\\"') });
    const listed = async (bytes: Buffer): Promise<{ items: unknown[]; version?: string; error?: unknown }> => {
      const client = { request: () => Promise.resolve(bytes) } as unknown as ApiClient;
      const items: unknown[] = [];
      try {
        return { items, version: await listAll({ client, path: "/things", keepManagedFields: true }, (o) => void items.push(o)) };
      } catch (error) {
        return { items, error };
      }
    };
    return checkAsync(
      0.05,
      fc.record({
        items: fc.array(item, { maxLength: 3 }),
        builtIn: fc.boolean(),
        cut: fc.double({ min: 0, max: 1, noNaN: true }),
        odd: json,
      }),
      async ({ items, builtIn, cut, odd }) => {
        const about = { metadata: { resourceVersion: "7" } };
        const text = JSON.stringify(
          builtIn ? { kind: "ThingList", apiVersion: "v1", ...about, items } : { apiVersion: "v1", items, ...about },
        );
        const whole = await listed(Buffer.from(text));
        expect([whole.error, whole.version]).to.deep.equal([undefined, "7"]);
        const added = { ...(builtIn ? { kind: "Thing" } : {}), apiVersion: "v1" };
        expect(plain(whole.items)).to.deep.equal(items.map((i) => ({ ...(plain(i) as object), ...added })));
        const part = await listed(Buffer.from(text).subarray(0, Math.floor(cut * (text.length - 1))));
        expect(isApiError(part.error), String(part.error)).to.equal(true);
        const wrong = await listed(Buffer.from(JSON.stringify(odd)));
        if (wrong.error !== undefined) expect(isApiError(wrong.error), String((wrong.error as Error).stack)).to.equal(true);
      },
    );
  });
});
