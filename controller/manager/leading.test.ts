// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { ComputeError } from "../compute";
import { ApiError, silentLogger, WorkQueue } from "../kubernetes";
import { FakeClock, settle } from "../kubernetes/testing";
import { AddressDriver, type Parts } from "./address";
import { allEnded, isRefusal, Pauses, retryOf } from "./errors";
import { fenceOf } from "./index";
import { everySoOften, lead, patiently, type LeadingOptions } from "./leading";

const refusal = (over: Partial<ConstructorParameters<typeof ComputeError>[0]> = {}): ComputeError =>
  new ComputeError({ code: "Unavailable", method: "m", message: "down", ...over });
const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as ComputeError).code;
  }
};

describe("The fence", () => {
  it("F3: lets a mutation through with the lease and fresh knowledge only (DESIGN 9.7)", () => {
    let [leads, stale] = [true, 0];
    const fence = fenceOf(
      () => leads,
      () => stale,
    );
    expect(codeOf(() => fence.check("m"))).to.equal(undefined);
    stale = 300_001;
    expect(codeOf(() => fence.check("m"))).to.equal("Fenced");
    [leads, stale] = [false, 0];
    expect(codeOf(() => fence.check("m"))).to.equal("Fenced");
  });
});

describe("The timer of the drift pass", () => {
  it("counts from the end of a pass, survives one that fails, and stops for good", async () => {
    const clock = new FakeClock();
    let runs = 0;
    const { signal } = new AbortController();
    const stop = everySoOften({ clock, logger: silentLogger, driftIntervalMs: 1_000, signal }, async () => {
      runs += 1;
      if (runs === 1) throw new Error("once");
    });
    await clock.advance(2_500);
    expect(runs).to.equal(2);
    stop();
    await clock.advance(5_000);
    expect([runs, clock.timers]).to.deep.equal([2, 0]);
  });
  it("a pass that is under way while it is stopped begins no other", async () => {
    const clock = new FakeClock();
    let end: () => void = () => undefined;
    const { signal } = new AbortController();
    const pass = (): Promise<void> => new Promise((resolve) => (end = resolve));
    const stop = everySoOften({ clock, logger: silentLogger, driftIntervalMs: 1_000, signal }, pass);
    await clock.advance(1_000);
    stop();
    end();
    await settle();
    expect(clock.timers).to.equal(0);
  });
});

describe("Patience at the start", () => {
  it("C6: tries again with longer and longer waits, gives up what is of no use, and ends with the process", async () => {
    const clock = new FakeClock();
    const stopper = new AbortController();
    const o = { clock, logger: silentLogger, signal: stopper.signal };
    let tries = 0;
    const slow = patiently(o, "x", async () => {
      if (++tries < 3) throw new Error("away");
      return "there";
    });
    await clock.advance(999);
    expect(tries).to.equal(1);
    await clock.advance(2_001);
    expect([tries, await slow]).to.deep.equal([3, "there"]);
    const hopeless = patiently(
      o,
      "x",
      () => Promise.reject(new Error("no")),
      () => false,
    ).catch((e: unknown) => String(e));
    expect(await hopeless).to.equal("Error: no");
    const endless = patiently(o, "x", () => Promise.reject(new Error("away")));
    await settle();
    stopper.abort();
    expect(await endless).to.equal(undefined);
  });

  it("C6: a leader whose first requests fail begins a little later; it does not give its lease up for that", async () => {
    const clock = new FakeClock();
    const stopper = new AbortController();
    const asked: string[] = [];
    const client = {
      request: async (method: string, path: string) => {
        asked.push(`${method} ${path.split("/").at(-1)}`);
        await Promise.resolve();
        if (asked.length < 4) throw new ApiError("Conflict", "once");
        return { metadata: { uid: "u" } };
      },
    };
    const caches = {
      whenReady: () => Promise.resolve(),
      all: () => [],
      world: { gatewayClass: () => undefined },
      wrote: () => undefined,
      readClaims: () => Promise.resolve(),
    };
    const fabric = { snapshot: () => Promise.reject(new Error("enough")) };
    const queue = new WorkQueue({ clock });
    const led = lead({
      ...{ client, caches, queue, clock, logger: silentLogger, signal: stopper.signal, hurry: stopper.signal },
      ...{ gkeClasses: "if-absent", compute: { project: "p", region: "r" }, fence: { check: () => undefined }, random: () => 0 },
      fabric: () => fabric,
    } as unknown as LeadingOptions);
    await clock.advance(60_000);
    expect(asked).to.deep.equal([...Array<string>(4).fill("GET kube-system"), ...Array<string>(2).fill("POST gatewayclasses")]);
    stopper.abort();
    await led;
  });
});

describe("Failures", () => {
  it("of the cloud are the user's to know, but for a lost lease; nothing else is", () => {
    expect([refusal(), refusal({ code: "Fenced" }), new Error("bug"), undefined].map(isRefusal)).to.deep.equal([
      true,
      false,
      false,
      false,
    ]);
  });
  it("C3: are tried again when the cloud says, within bounds, else after 15 s", () => {
    expect([undefined, 0, 42_000, 86_400_000].map((retryAfterMs) => retryOf(refusal({ retryAfterMs })))).to.deep.equal([
      15_000, 1_000, 42_000, 600_000,
    ]);
  });
  it("C3 E50: pause an address for as long as the cloud said, and only then", async () => {
    const clock = new FakeClock();
    const pauses = new Pauses(clock);
    pauses.refused("a", refusal());
    expect(pauses.of("a")).to.equal(undefined);
    expect(pauses.refused("a", refusal({ retryAfterMs: 5_000, reason: "rateLimitExceeded" }))).to.deep.equal({
      message: "down (rateLimitExceeded)",
      retryMs: 5_000,
    });
    await clock.advance(2_000);
    expect(pauses.of("a")).to.deep.equal({ message: "down (rateLimitExceeded)", retryMs: 3_000 });
    expect(pauses.of("b")).to.equal(undefined);
    await clock.advance(3_000);
    expect(pauses.of("a")).to.equal(undefined);
  });
  it("of one of several deeds are passed on when all have ended", async () => {
    let slow = false;
    const wait = settle().then(() => (slow = true));
    const error = await allEnded<unknown>([Promise.reject(new Error("first")), wait]).catch((e: unknown) => String(e));
    expect([error, slow]).to.deep.equal(["Error: first", true]);
    expect(await allEnded([Promise.resolve(1), Promise.resolve(2)])).to.deep.equal([1, 2]);
  });
});

describe("AddressDriver", () => {
  const driver = (): AddressDriver => new AddressDriver({ clock: new FakeClock(), logger: silentLogger } as unknown as Parts);

  it("works on one address by one at a time, in order, also after one that failed, and on two at once", async () => {
    const d = driver();
    const log: string[] = [];
    const work =
      (name: string, fail = false) =>
      async (): Promise<void> => {
        log.push(`${name} begins`);
        await settle();
        log.push(`${name} ends`);
        if (fail) throw new Error(name);
      };
    const all = [
      d.exclusively("a", work("a1", true)).catch(() => undefined),
      d.exclusively("a", work("a2")),
      d.exclusively("b", work("b1")),
    ];
    await Promise.all(all);
    expect(log.filter((l) => l.startsWith("a"))).to.deep.equal(["a1 begins", "a1 ends", "a2 begins", "a2 ends"]);
    expect(log.indexOf("b1 begins")).to.be.lessThan(log.indexOf("a1 ends"));
  });

  it("answers a refusal, waits as it was told without asking again, and throws a lost lease", async () => {
    const d = driver();
    let asked = 0;
    const ask = (error: Error) => (): Promise<never> => {
      asked += 1;
      return Promise.reject(error);
    };
    const told = await d.attempt("a", ask(refusal({ retryAfterMs: 9_000 })));
    expect(told).to.deep.equal({ refused: { message: "down (Unavailable)", retryMs: 9_000 } });
    expect(await d.attempt("a", ask(refusal()))).to.deep.equal(told);
    expect(asked).to.equal(1);
    const lost = await d.attempt("b", ask(refusal({ code: "Fenced" }))).catch((e: unknown) => e as ComputeError);
    expect(lost).to.have.property("code", "Fenced");
    expect(await d.attempt("b", () => Promise.resolve("done"))).to.deep.equal({ done: "done" });
  });
});
