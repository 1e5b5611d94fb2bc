// SPDX-License-Identifier: Apache-2.0
// A mutation is an operation: sent with a requestId, then waited for. What is repeated over a broken connection carries the SAME id, so the
// server runs it once. An operation that outlives our patience is remembered: the next identical call waits on, it does not send again (E47).
import { DEFAULT_CONCURRENCY, type Client, type Schema, type Send } from "./client";
import { ComputeError, fromOperation, isBusy } from "./errors";
import { KeyedLock, Slots } from "./limiter";
import { baseName } from "./paths";
import { pauseBefore } from "./retry";
import type { Fence } from "./types";

export interface Mutation {
  /** `forwardingRules.setTarget` and the like. */
  method: string;
  /** What is changed, unique in the project: one mutation at a time each. */
  resource: string;
  /** Tells two mutations of one resource apart; carries the id of an object that is changed, since names are used again. */
  body?: unknown;
  send: (requestId: string) => Send<Schema["Operation"]>;
}

interface Pending {
  identity: string;
  operation: Schema["Operation"];
}

const DEFAULT_TIMEOUT_MS = 120_000;
// The server holds a wait for up to two minutes by itself.
const LONGEST_WAIT_MS = 125_000;
const OPERATION_TRIES = 3;
const FIRST_POLL_PAUSE_MS = 50;
const LAST_POLL_PAUSE_MS = 2_000;
const READ_BACK_MS = 2_000;
const FIRST_BUSY_PAUSE_MS = 300;
const LAST_BUSY_PAUSE_MS = 5_000;

export class Operations {
  private readonly slots: Slots;
  private readonly limitMs: number;
  private readonly locks = new KeyedLock();
  private readonly pending = new Map<string, Pending>();

  constructor(private readonly client: Client) {
    this.slots = new Slots(client.config.concurrency ?? DEFAULT_CONCURRENCY);
    this.limitMs = client.config.operationTimeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  /**
   * Sends a mutation and returns when its operation is done. The fence is asked before each request.
   * @throws ComputeError; `Timeout` when the operation still runs at the deadline
   */
  async run(mutation: Mutation, fence: Fence): Promise<void> {
    const { clock, logger } = this.client.deps;
    const started = clock.monotonic();
    await this.locks.run(mutation.resource, () => this.slots.run(() => this.attempts(mutation, fence)));
    const seconds = (clock.monotonic() - started) / 1000;
    logger?.info({ method: mutation.method, resource: mutation.resource, seconds }, "compute object changed");
  }

  /**
   * Sends an insert and reads the object back. One that exists already is read instead, with patience: whoever made it (another replica,
   * our own lost reply) may still be at it.
   */
  async insert<T>(mutation: Mutation, fence: Fence, get: () => Promise<T | undefined>): Promise<T> {
    const { clock } = this.client.deps;
    const mine = await this.run(mutation, fence).then(() => true, existsAlready);
    const deadline = clock.monotonic() + (mine ? READ_BACK_MS : this.limitMs);
    for (let pause = FIRST_POLL_PAUSE_MS; ; pause = Math.min(LAST_POLL_PAUSE_MS, pause * 2)) {
      const found = await get();
      if (found !== undefined) return found;
      if (clock.monotonic() + pause >= deadline) throw unreadable(mutation);
      await clock.sleep(pause);
    }
  }

  /** Names of the objects of this region that are being made by anybody. @param collection `forwardingRules` and the like */
  async insertsUnderWay(collection: string): Promise<string[]> {
    const { api, config } = this.client;
    const params = { project: config.project, region: config.region, filter: 'status != "DONE"' };
    const operations = await this.client.list(
      "regionOperations.list",
      (query) => (options) => api.regionOperations.list({ ...params, ...query }, options),
    );
    return operations
      .filter(({ operationType, status }) => operationType === "insert" && status !== "DONE")
      .flatMap(({ targetLink }) => (targetLink?.includes(`/${collection}/`) ? [baseName(targetLink)] : []));
  }

  private async attempts(mutation: Mutation, fence: Fence): Promise<void> {
    const { clock, random, logger } = this.client.deps;
    for (let tried = 1; ; tried++) {
      const failure = await this.submitAndWait(mutation, fence);
      if (failure === undefined) return;
      // A failed operation is final under its requestId; the next try needs, and gets, a fresh one.
      const pause = pauseBefore({ ...this.client.policy, attempts: OPERATION_TRIES }, failure, tried, random);
      if (pause === undefined) throw failure;
      logger?.warn(
        { method: mutation.method, code: failure.code, pauseMs: pause, tried },
        "compute operation will be tried again",
      );
      await clock.sleep(pause);
    }
  }

  private async submitAndWait(mutation: Mutation, fence: Fence): Promise<ComputeError | undefined> {
    const identity = `${mutation.method} ${JSON.stringify(mutation.body ?? null)}`;
    const known = this.pending.get(mutation.resource);
    const same = known?.identity === identity;
    // Another change of ours still runs on the resource: nothing can overtake it, and its outcome no longer matters (E51).
    if (known && !same) await this.settle(mutation, known.operation);
    const started = same ? known.operation : await this.submit(mutation, fence);
    this.pending.set(mutation.resource, { identity, operation: started });
    const done = await this.settle(mutation, started);
    return done.error ? fromOperation(mutation.method, done) : undefined;
  }

  private async settle(mutation: Mutation, operation: Schema["Operation"]): Promise<Schema["Operation"]> {
    const done = await this.wait(mutation, operation);
    this.pending.delete(mutation.resource);
    return done;
  }

  /** Sends under one requestId, and keeps asking while an operation that is not ours to wait for (a restart, another tool) holds the resource. */
  private async submit(mutation: Mutation, fence: Fence): Promise<Schema["Operation"]> {
    const { clock, uuid, random } = this.client.deps;
    const send = mutation.send(uuid());
    const deadline = clock.monotonic() + this.limitMs;
    for (let pause = FIRST_BUSY_PAUSE_MS; ; pause = Math.min(LAST_BUSY_PAUSE_MS, pause * 2)) {
      try {
        return await this.client.retrying(() => this.client.once({ method: mutation.method, group: "write", send, fence }));
      } catch (error) {
        if (!isBusy(error) || clock.monotonic() + pause >= deadline) throw error;
        await clock.sleep(pause / 2 + (pause / 2) * random());
      }
    }
  }

  private async wait(mutation: Mutation, started: Schema["Operation"]): Promise<Schema["Operation"]> {
    const { clock } = this.client.deps;
    const deadline = clock.monotonic() + this.limitMs;
    let operation = started;
    for (let pause = FIRST_POLL_PAUSE_MS; operation.status !== "DONE"; pause = Math.min(LAST_POLL_PAUSE_MS, pause * 2)) {
      const left = deadline - clock.monotonic();
      if (left <= 0) throw timeout(mutation, started, this.limitMs);
      const before = clock.monotonic();
      operation = (await this.waitOnce(mutation, started, left)) ?? operation;
      const held = clock.monotonic() - before;
      // A server that does not hold the line must not be asked in a tight loop.
      if (operation.status !== "DONE" && held < 1_000)
        await clock.sleep(Math.min(pause, Math.max(1, deadline - clock.monotonic())));
    }
    return operation;
  }

  /** One `wait`; undefined when it brought no news and may be asked again. */
  private async waitOnce(
    mutation: Mutation,
    started: Schema["Operation"],
    leftMs: number,
  ): Promise<Schema["Operation"] | undefined> {
    // Whole milliseconds: a fraction is refused by AbortSignal.timeout.
    const timeoutMs = Math.ceil(Math.min(LONGEST_WAIT_MS, leftMs));
    try {
      return await this.client.once({ ...this.waitCall(started), group: "wait", timeoutMs });
    } catch (error) {
      if (!(error instanceof ComputeError)) throw error;
      if (error.code === "NotFound") return this.vanished(mutation, started, error);
      if (!error.retry) throw error;
      if (error.retryAfterMs !== undefined) await this.client.deps.clock.sleep(Math.min(error.retryAfterMs, leftMs));
      return undefined;
    }
  }

  // Operations are kept for a while only. What one did can still be observed, so the caller is told to look again.
  private vanished(mutation: Mutation, started: Schema["Operation"], cause: ComputeError): never {
    this.pending.delete(mutation.resource);
    throw new ComputeError({
      code: "Unknown",
      method: mutation.method,
      retry: true,
      cause,
      message: `${mutation.method} of ${mutation.resource}: the server no longer knows operation ${started.name ?? "?"}; what it did must be observed`,
    });
  }

  private waitCall(operation: Schema["Operation"]): { method: string; send: Send<Schema["Operation"]> } {
    const { api, config } = this.client;
    const params = { project: config.project, operation: operation.name ?? "" };
    if (operation.zone) {
      const zone = baseName(operation.zone);
      return { method: "zoneOperations.wait", send: (options) => api.zoneOperations.wait({ ...params, zone }, options) };
    }
    const region = operation.region ? baseName(operation.region) : config.region;
    return { method: "regionOperations.wait", send: (options) => api.regionOperations.wait({ ...params, region }, options) };
  }
}

function timeout(mutation: Mutation, started: Schema["Operation"], limitMs: number): ComputeError {
  return new ComputeError({
    code: "Timeout",
    method: mutation.method,
    message:
      `${mutation.method} of ${mutation.resource}: operation ${started.name ?? "?"} is not done after ${limitMs / 1000} s; ` +
      "it goes on, and the next try waits for it",
  });
}

function existsAlready(error: unknown): false {
  if (error instanceof ComputeError && error.code === "AlreadyExists") return false;
  throw error;
}

function unreadable(mutation: Mutation): ComputeError {
  const message = `${mutation.method}: ${mutation.resource} was made but cannot be read`;
  return new ComputeError({ code: "Unavailable", method: mutation.method, message });
}
