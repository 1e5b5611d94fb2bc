// SPDX-License-Identifier: Apache-2.0
// Leader election over a Lease, with client-go's figures. Two rules make it safe: nobody's clock but our own monotonic one is
// trusted (another's lease is over a full lease duration after *we* last saw it change), and our own right to act ends, by that
// same clock, `renewDeadline` after the start of the last renewal that worked: before anybody can take over.
import type { Clock, Random } from "./clock";
import { isApiError } from "./errors";
import { type Lease, LEASES, leaseBody, microTime } from "./lease";
import { type Logger, silentLogger } from "./logger";
import { resourcePath } from "./resources";
import type { ApiClient } from "./transport";

export interface LeaderElectorOptions {
  /** Best a client of its own, so that renewals never queue behind other requests. */
  client: ApiClient;
  namespace: string;
  name: string;
  /** Unique per process, e.g. Pod name and a random suffix. */
  identity: string;
  clock: Clock;
  random: Random;
  /** How long others wait after our last renewal (default 15,000). */
  leaseDurationMs?: number;
  /** How long we lead after our last renewal (default 10,000); must be shorter. */
  renewDeadlineMs?: number;
  /** Between attempts (default 2,000). */
  retryPeriodMs?: number;
  /** Waiting candidates spread their attempts over one to `jitter` retry periods (default 1.2, so that a hand-over takes < 3 s). */
  jitter?: number;
  onStartedLeading?: () => void;
  /** Called once after having led, on loss and on `stop`; after a loss the process should exit. */
  onStoppedLeading?: (why: "lost" | "released") => void;
  onNewLeader?: (identity: string) => void;
  logger?: Logger;
}

export class LeaderElector {
  private readonly leaseMs: number;
  private readonly renewMs: number;
  private readonly retryMs: number;
  private readonly logger: Logger;
  private readonly stopper = new AbortController();
  private leading = false;
  private announced = false;
  private heldUntil = Number.NEGATIVE_INFINITY;
  private lease: Lease | undefined;
  private observed: { spec: string; at: number } | undefined;
  private knownLeader: string | undefined;
  private loop: Promise<void> | undefined;

  /** @throws RangeError when the durations do not satisfy lease > renew deadline > retry period * jitter */
  constructor(private readonly options: LeaderElectorOptions) {
    this.leaseMs = options.leaseDurationMs ?? 15_000;
    this.renewMs = options.renewDeadlineMs ?? 10_000;
    this.retryMs = options.retryPeriodMs ?? 2_000;
    this.logger = options.logger ?? silentLogger;
    const longestWait = this.retryMs * (options.jitter ?? 1.2);
    if (this.leaseMs <= this.renewMs)
      throw new RangeError(`leaseDurationMs ${this.leaseMs}: must be above renewDeadlineMs ${this.renewMs}`);
    if (this.renewMs <= longestWait)
      throw new RangeError(`renewDeadlineMs ${this.renewMs}: must be above retryPeriodMs * jitter ${longestWait}`);
  }

  start(): void {
    this.loop ??= this.run();
  }

  /**
   * Stops leading at once, gives the lease back and resolves. Stop what needs the leadership first.
   * @param giveBack false where something that was begun as leader may still take effect: then the lease is left to expire, so that the next
   * leader begins only after it has
   */
  async stop(giveBack = true): Promise<void> {
    this.stopper.abort();
    await this.loop;
    if (!this.leading) return;
    this.leading = false;
    this.heldUntil = Number.NEGATIVE_INFINITY;
    if (giveBack) await this.release();
    else this.logger.warn({ lease: this.options.name }, "lease not given back: work of this process may still take effect");
    if (this.announced) this.announce(() => this.options.onStoppedLeading?.("released"));
  }

  /** The fence: may this process act as leader right now? Ask before every write to the outside. */
  isLeaderNow(): boolean {
    return this.leading && !this.stopper.signal.aborted && this.options.clock.monotonic() < this.heldUntil;
  }

  /** Monotonic milliseconds until which `isLeaderNow` can stay true without a further renewal; -Infinity when not leading. */
  validUntil(): number {
    return this.leading ? this.heldUntil : Number.NEGATIVE_INFINITY;
  }

  private async run(): Promise<void> {
    while (!this.stopper.signal.aborted) {
      try {
        await this.attempt();
      } catch (error) {
        if (this.stopper.signal.aborted) return;
        this.logger.warn(
          { lease: this.options.name, error: error instanceof Error ? error.message : error },
          "lease attempt failed",
        );
      }
      if (this.leading && this.options.clock.monotonic() >= this.heldUntil) return this.lose();
      await this.options.clock.sleep(this.pauseMs(), this.stopper.signal);
    }
  }

  private async attempt(): Promise<void> {
    if (this.leading && this.lease !== undefined && (await this.renewCached(this.lease))) return;
    const started = this.now();
    const lease = await this.read();
    if (lease === undefined) return this.hold(started, await this.create());
    this.observe(lease);
    if (this.mayTake(lease)) await this.take(lease);
  }

  private mayTake(lease: Lease): boolean {
    const holder = lease.spec.holderIdentity ?? "";
    if (holder === "" || holder === this.options.identity) return true;
    if (!this.leading) return this.now() >= this.othersUntil(lease);
    // To see another holder means that our lease is lost already, whatever our own clock says.
    this.heldUntil = Number.NEGATIVE_INFINITY;
    return false;
  }

  // One PUT with the object we hold; false when it has changed meanwhile and must be read first.
  private async renewCached(lease: Lease): Promise<boolean> {
    const started = this.now();
    try {
      this.hold(started, await this.put(leaseBody(lease, { renewTime: this.time() })));
      return true;
    } catch (error) {
      if (isApiError(error, "Conflict", "NotFound")) return false;
      throw error;
    }
  }

  private async take(lease: Lease): Promise<void> {
    const started = this.now();
    const mine = lease.spec.holderIdentity === this.options.identity;
    const spec = {
      holderIdentity: this.options.identity,
      leaseDurationSeconds: Math.ceil(this.leaseMs / 1000),
      renewTime: this.time(),
      acquireTime: mine ? lease.spec.acquireTime : this.time(),
      leaseTransitions: (lease.spec.leaseTransitions ?? 0) + (mine ? 0 : 1),
    };
    try {
      this.hold(started, await this.put(leaseBody(lease, spec)));
    } catch (error) {
      // Another candidate was faster: the next attempt will see whom.
      if (!isApiError(error, "Conflict", "NotFound")) throw error;
    }
  }

  private hold(started: number, lease: Lease | undefined): void {
    if (lease === undefined) return;
    this.lease = lease;
    this.heldUntil = started + this.renewMs;
    const won = !this.leading;
    this.leading = true;
    if (!won || this.stopper.signal.aborted) return; // a lease won while stopping is only given back
    this.announced = true;
    this.meet(this.options.identity);
    this.logger.info({ lease: this.options.name, identity: this.options.identity }, "started leading");
    this.announce(() => this.options.onStartedLeading?.());
  }

  private lose(): void {
    this.leading = false;
    this.logger.error({ lease: this.options.name, identity: this.options.identity }, "lost the lease");
    this.announce(() => this.options.onStoppedLeading?.("lost"));
  }

  private observe(lease: Lease): void {
    const spec = JSON.stringify(lease.spec);
    if (this.observed?.spec !== spec) this.observed = { spec, at: this.now() };
    if (lease.spec.holderIdentity) this.meet(lease.spec.holderIdentity);
  }

  private meet(identity: string): void {
    if (this.knownLeader === identity) return;
    this.knownLeader = identity;
    this.announce(() => this.options.onNewLeader?.(identity));
  }

  private othersUntil(lease: Lease): number {
    return (this.observed?.at ?? this.now()) + (lease.spec.leaseDurationSeconds ?? this.leaseMs / 1000) * 1000;
  }

  private pauseMs(): number {
    const { random, jitter = 1.2 } = this.options;
    if (this.leading) return Math.max(0, Math.min(this.retryMs, this.heldUntil - this.now()));
    return this.retryMs * (1 + (jitter - 1) * random());
  }

  private async read(): Promise<Lease | undefined> {
    try {
      return await this.options.client.request<Lease>("GET", this.path(), this.requestOptions());
    } catch (error) {
      if (isApiError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  private async create(): Promise<Lease | undefined> {
    const { namespace, name, identity, client } = this.options;
    const spec = { holderIdentity: identity, leaseDurationSeconds: Math.ceil(this.leaseMs / 1000), leaseTransitions: 0 };
    const body = leaseBody(
      { metadata: { namespace, name }, spec: {} },
      { ...spec, acquireTime: this.time(), renewTime: this.time() },
    );
    try {
      return await client.request<Lease>("POST", resourcePath(LEASES, namespace), { ...this.requestOptions(), body });
    } catch (error) {
      if (isApiError(error, "AlreadyExists")) return undefined;
      throw error;
    }
  }

  private put(body: Lease): Promise<Lease> {
    return this.options.client.request<Lease>("PUT", this.path(), { ...this.requestOptions(), body });
  }

  // A stop must be able to give the lease back, and must not wait long when nobody answers.
  private async release(): Promise<void> {
    if (this.lease === undefined) return;
    const spec = { holderIdentity: "", leaseDurationSeconds: 1, renewTime: this.time(), acquireTime: this.time() };
    try {
      const options = { body: leaseBody(this.lease, spec), timeoutMs: this.retryMs };
      await this.options.client.request("PUT", this.path(), options);
      this.logger.info({ lease: this.options.name }, "released the lease");
    } catch (error) {
      this.logger.warn({ lease: this.options.name, error: error instanceof Error ? error.message : error }, "lease not released");
    }
  }

  private path(): string {
    return resourcePath(LEASES, this.options.namespace, this.options.name);
  }

  private requestOptions(): { timeoutMs: number } {
    const left = this.leading ? this.heldUntil - this.now() : this.renewMs / 2;
    return { timeoutMs: Math.max(1, Math.min(this.renewMs / 2, left)) };
  }

  private now(): number {
    return this.options.clock.monotonic();
  }

  private time(): string {
    return microTime(this.options.clock.now());
  }

  private announce(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      this.logger.error({ lease: this.options.name, error }, "leadership callback threw");
    }
  }
}
