// SPDX-License-Identifier: Apache-2.0
// The long-lived ip: answers belong to their questions whatever fails, and its death costs one request.
import { expect } from "chai";
import { IpCoprocess } from "./coprocess";
import { NodeError } from "./errors";
import type { Clock } from "./ports";
import { fakeIp } from "./testing-ip";

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (fn, ms) => {
    const timer = setTimeout(fn, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};
const failure = async (promise: Promise<unknown>): Promise<NodeError> => {
  const error = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  if (!(error instanceof NodeError)) throw new Error(`expected a NodeError, not ${String(error)}`);
  return error;
};

describe("the ip co-process", () => {
  let fake: ReturnType<typeof fakeIp>;
  let ip: IpCoprocess;
  before(() => {
    fake = fakeIp();
  });
  after(() => fake.remove());
  beforeEach(() => {
    ip = new IpCoprocess({ clock, command: fake.command, timeoutMs: 5_000 });
  });
  afterEach(() => ip.close());

  it("tells which lines failed and why, in every request of one process", async () => {
    expect(await ip.apply(["ok", "bad File exists", "ok", "bad No such process"])).to.deep.equal([
      { line: "bad File exists", message: "RTNETLINK answers: File exists" },
      { line: "bad No such process", message: "RTNETLINK answers: No such process" },
    ]);
    expect(await ip.apply(["ok"])).to.deep.equal([]);
    expect(await ip.apply(["ok", "bad Network is down"])).to.deep.equal([
      { line: "bad Network is down", message: "RTNETLINK answers: Network is down" },
    ]);
    expect(ip.starts).to.equal(1);
  });
  it("asks nobody where there is nothing to do", async () => {
    expect(await ip.apply([])).to.deep.equal([]);
    expect(ip.starts).to.equal(0);
  });
  it("gives each command of a dump its own answer, and undefined for the one that failed", async () => {
    expect(await ip.dump(["show a", "bad nothing", "empty", "show b c"])).to.deep.equal([["a"], undefined, [], ["b", "c"]]);
  });
  it("keeps requests that come at once apart and in order", async () => {
    const answers = await Promise.all([
      ip.dump(["show 1"]),
      ip.apply(["bad second"]),
      ip.dump(["bad third", "show 3"]),
      ip.dump(["show 4"]),
    ]);
    expect(answers).to.deep.equal([
      [["1"]],
      [{ line: "bad second", message: "RTNETLINK answers: second" }],
      [undefined, ["3"]],
      [["4"]],
    ]);
  });
  it("matches 3000 lines with their errors", async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => (i % 7 === 0 ? `bad ${i}` : "ok"));
    const failures = await ip.apply(lines);
    expect(failures.map((f) => f.line)).to.deep.equal(lines.filter((l) => l !== "ok"));
    expect(failures.every((f) => f.message.endsWith(f.line.slice(3)))).to.equal(true);
  });
  it("does not take a dump for whole that the kernel calls interrupted", async () => {
    for (const after of ["show b", "bad b"]) {
      const error = await failure(ip.dump(["torn a", after]));
      expect(error, after).to.include({ code: "DumpInterrupted", retry: true });
    }
  });
  it("says IpExited when ip dies in the middle of a batch (exit code or signal), and starts another for the next one", async () => {
    const first = await failure(ip.apply(["ok", "die 3", "ok"]));
    expect(first).to.include({ code: "IpExited", retry: true });
    expect(first.message).to.include("exit code 3");
    expect(await ip.dump(["show again"])).to.deep.equal([["again"]]);
    const second = await failure(ip.apply(["bad x", "kill", "ok"]));
    expect(second.message).to.include("SIGKILL");
    expect(await ip.apply(["bad y"])).to.have.length(1);
    expect(ip.starts).to.equal(3);
  });
  it("answers what waits behind a request that was killed", async () => {
    const dead = failure(ip.apply(["kill"]));
    const waiting = ip.dump(["show on"]);
    expect((await dead).code).to.equal("IpExited");
    expect(await waiting).to.deep.equal([["on"]]);
  });
  it("ends a process that does not answer in time, and goes on with another", async () => {
    const hasty = new IpCoprocess({ clock, command: fake.command, timeoutMs: 400 });
    try {
      const error = await failure(hasty.apply(["ok", "hang"]));
      expect(error).to.include({ code: "IpTimeout", retry: true });
      expect(await hasty.dump(["show late"])).to.deep.equal([["late"]]);
      expect(hasty.starts).to.equal(2);
    } finally {
      hasty.close();
    }
  });
  it("says IpExited where there is no such program", async () => {
    const none = new IpCoprocess({ clock, command: ["/nonexistent/ip"] });
    expect((await failure(none.apply(["ok"]))).message).to.include("ENOENT");
  });
  it("begins anew after recycle, with line numbers from 1", async () => {
    await ip.apply(["ok", "ok"]);
    ip.recycle();
    expect(await ip.apply(["ok", "bad z"])).to.deep.equal([{ line: "bad z", message: "RTNETLINK answers: z" }]);
    expect(ip.starts).to.equal(2);
  });
});
