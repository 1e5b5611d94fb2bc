// SPDX-License-Identifier: Apache-2.0
// Leader election on a clock that the test moves.
import { expect } from "chai";
import { FakeClock, settle } from "./testing";
import { candidate, clientOf, LeaseServer, WELL } from "./testing-lease";

describe("leader elector", () => {
  let server: LeaseServer;
  let clock: FakeClock;

  beforeEach(() => {
    server = new LeaseServer();
    clock = new FakeClock();
  });

  it("creates the lease when there is none, and leads", async () => {
    const { elector, calls } = candidate(server, clock, "a");
    elector.start();
    await settle();
    expect(elector.isLeaderNow()).to.equal(true);
    expect(calls).to.deep.equal(["leader a", "started"]);
    expect(server.lease?.spec).to.include({ holderIdentity: "a", leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(server.lease?.spec.renewTime).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    await elector.stop();
  });

  it("renews every 2 s with one PUT of the object it holds, and never reads", async () => {
    const { elector } = candidate(server, clock, "a");
    elector.start();
    await clock.advance(20_000);
    expect(server.log).to.deep.equal(["GET", "POST", ...Array<string>(10).fill("PUT")]);
    expect(elector.validUntil()).to.equal(30_000);
    await elector.stop();
  });

  it("leaves a held lease alone, and tells who leads", async () => {
    const a = candidate(server, clock, "a");
    const b = candidate(server, clock, "b");
    a.elector.start();
    await settle();
    b.elector.start();
    await clock.advance(60_000);
    expect([a.elector.isLeaderNow(), b.elector.isLeaderNow()]).to.deep.equal([true, false]);
    expect(b.calls).to.deep.equal(["leader a"]);
    expect(b.elector.validUntil()).to.equal(Number.NEGATIVE_INFINITY);
    await Promise.all([a.elector.stop(), b.elector.stop()]);
  });

  it("F5: hands over within 3 s when the leader stops as planned: the lease is given back before the end", async () => {
    const a = candidate(server, clock, "a");
    const b = candidate(server, clock, "b", { random: () => 0.999 });
    a.elector.start();
    await settle();
    b.elector.start();
    await clock.advance(7_000);
    await a.elector.stop();
    expect(server.lease?.spec).to.include({ holderIdentity: "", leaseDurationSeconds: 1 });
    expect(a.calls.at(-1)).to.equal("released");
    await clock.advance(2_500);
    expect(b.elector.isLeaderNow()).to.equal(true);
    expect(server.lease?.spec.leaseTransitions).to.equal(1);
    await b.elector.stop();
  });

  it("E62 F5: a stop with work still under way leaves the lease to expire, so that nobody leads before that work has ended", async () => {
    const a = candidate(server, clock, "a");
    const b = candidate(server, clock, "b");
    a.elector.start();
    await settle();
    b.elector.start();
    await clock.advance(7_000);
    await a.elector.stop(false);
    expect([a.elector.isLeaderNow(), server.lease?.spec.holderIdentity]).to.deep.equal([false, "a"]);
    await clock.advance(10_000);
    expect(b.elector.isLeaderNow()).to.equal(false);
    await clock.advance(10_000);
    expect(b.elector.isLeaderNow()).to.equal(true);
    await b.elector.stop();
  });

  it("takes over from a silent leader after a lease duration by its own clock, not before", async () => {
    server.handle("POST", {
      metadata: {},
      spec: { holderIdentity: "dead", leaseDurationSeconds: 15, renewTime: "2026-01-01T00:00:00.000000Z" },
    });
    const { elector } = candidate(server, clock, "a");
    elector.start();
    await clock.advance(14_999);
    expect(elector.isLeaderNow()).to.equal(false);
    await clock.advance(2_400);
    expect(elector.isLeaderNow()).to.equal(true);
    await elector.stop();
  });

  it("does not trust the other's clock: a renewTime from the past or future changes nothing", async () => {
    for (const renewTime of ["1999-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z"]) {
      const own = new LeaseServer();
      const time = new FakeClock();
      own.handle("POST", { metadata: {}, spec: { holderIdentity: "other", leaseDurationSeconds: 15, renewTime } });
      const { elector } = candidate(own, time, "a");
      elector.start();
      await time.advance(14_000);
      expect(elector.isLeaderNow()).to.equal(false);
      await time.advance(4_000);
      expect(elector.isLeaderNow()).to.equal(true);
      await elector.stop();
    }
  });

  it("is not moved by a jump of the wall clock", async () => {
    const a = candidate(server, clock, "a");
    const b = candidate(server, clock, "b");
    a.elector.start();
    await settle();
    b.elector.start();
    await clock.advance(5_000);
    clock.jumpWall(3_600_000);
    await clock.advance(5_000);
    clock.jumpWall(-7_200_000);
    await clock.advance(5_000);
    expect([a.elector.isLeaderNow(), b.elector.isLeaderNow()]).to.deep.equal([true, false]);
    await Promise.all([a.elector.stop(), b.elector.stop()]);
  });

  it("keeps leading through failures shorter than the renew deadline", async () => {
    let broken = false;
    const client = clientOf(server, clock, () => ({ ...WELL, lost: broken ? "request" : "no" }));
    const { elector, calls } = candidate(server, clock, "a", { client });
    elector.start();
    await clock.advance(4_000);
    broken = true;
    await clock.advance(6_000);
    broken = false;
    await clock.advance(6_000);
    expect(elector.isLeaderNow()).to.equal(true);
    expect(calls).to.deep.equal(["leader a", "started"]);
    await elector.stop();
  });

  it("stops leading at the renew deadline, counted from the start of the last renewal that worked", async () => {
    let fate = WELL;
    const { elector, calls } = candidate(server, clock, "a", { client: clientOf(server, clock, () => fate) });
    elector.start();
    await settle();
    fate = { toServerMs: 500, backMs: 500, lost: "no" };
    await clock.advance(2_900); // the renewal that starts at 2,000 needs a second
    fate = { ...WELL, lost: "request" };
    await clock.advance(9_099);
    expect([clock.monotonic(), elector.isLeaderNow(), elector.validUntil()]).to.deep.equal([11_999, true, 12_000]);
    await clock.advance(1);
    expect(elector.isLeaderNow()).to.equal(false);
    await clock.advance(100);
    expect(calls).to.deep.equal(["leader a", "started", "lost"]);
    await elector.stop();
    expect(calls).to.have.length(3);
  });

  it("reads the lease again when a renewal's answer was lost, and goes on leading", async () => {
    let lose = false;
    const client = clientOf(server, clock, () => ({ ...WELL, lost: lose ? "answer" : "no" }));
    const { elector } = candidate(server, clock, "a", { client });
    elector.start();
    await clock.advance(1_000);
    const acquired = server.lease?.spec.acquireTime;
    lose = true;
    await clock.advance(1_500);
    lose = false;
    await clock.advance(10_000);
    expect(elector.isLeaderNow()).to.equal(true);
    expect(server.lease?.spec).to.include({ leaseTransitions: 0, acquireTime: acquired });
    await elector.stop();
  });

  it("stops at once when it sees that another holds the lease", async () => {
    const { elector, calls } = candidate(server, clock, "a");
    elector.start();
    await settle();
    const stolen = server.handle("GET", undefined);
    server.handle("PUT", { ...stolen, spec: { ...stolen.spec, holderIdentity: "thief" } });
    await clock.advance(2_000);
    expect(elector.isLeaderNow()).to.equal(false);
    expect(calls).to.deep.equal(["leader a", "started", "leader thief", "lost"]);
  });

  it("makes the lease again when somebody deleted it", async () => {
    const { elector } = candidate(server, clock, "a");
    elector.start();
    await settle();
    server.lease = undefined;
    await clock.advance(2_000);
    expect(elector.isLeaderNow()).to.equal(true);
    expect(server.lease).to.have.nested.property("spec.holderIdentity", "a");
    await elector.stop();
  });

  it("keeps labels and annotations of the lease", async () => {
    server.handle("POST", { metadata: { labels: { team: "net" } }, spec: { holderIdentity: "" } });
    const { elector } = candidate(server, clock, "a");
    elector.start();
    await clock.advance(4_000);
    expect(server.lease?.metadata.labels).to.deep.equal({ team: "net" });
    await elector.stop();
  });

  it("gives nothing back that it never had", async () => {
    server.handle("POST", { metadata: {}, spec: { holderIdentity: "other", leaseDurationSeconds: 15 } });
    const { elector, calls } = candidate(server, clock, "a");
    elector.start();
    await settle();
    await elector.stop();
    expect(server.log).to.deep.equal(["POST", "GET"]);
    expect(calls).to.deep.equal(["leader other"]);
  });

  it("goes on when a callback throws", async () => {
    const { elector } = candidate(server, clock, "a", {
      onStartedLeading: () => {
        throw new Error("boom");
      },
    });
    elector.start();
    await clock.advance(6_000);
    expect(elector.isLeaderNow()).to.equal(true);
    await elector.stop();
  });

  it("F8: refuses durations that cannot be safe, naming them", () => {
    expect(() => candidate(server, clock, "a", { leaseDurationMs: 10_000 })).to.throw(
      RangeError,
      "leaseDurationMs 10000: must be above renewDeadlineMs 10000",
    );
    expect(() => candidate(server, clock, "a", { retryPeriodMs: 9_000 })).to.throw(
      RangeError,
      "renewDeadlineMs 10000: must be above",
    );
  });
});
