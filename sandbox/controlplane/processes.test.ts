// SPDX-License-Identifier: Apache-2.0
// Children stop in order, with everything they started.
import { expect } from "chai";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "./ports";
import { logTail, ProcessError, startProcess, type Child } from "./processes";

describe("child processes", () => {
  let dir: string;
  let logFile: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "children-"));
    logFile = join(dir, "child.log");
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const shell = (script: string): Promise<Child> =>
    startProcess({ name: "child", command: "/bin/sh", args: ["-c", script], logFile });
  const says = async (text: string): Promise<void> => {
    while (!(await readFile(logFile, "utf8")).includes(text)) await sleep(5);
  };

  it("write to their log and tell how they ended", async () => {
    const child = await shell("echo one; echo two >&2; exit 3");
    expect(await child.exited).to.deep.equal({ code: 3, signal: null });
    expect(logTail(logFile, 1)).to.equal("two");
  });

  it("get SIGKILL when they do not listen to SIGTERM", async () => {
    const child = await shell("trap '' TERM; echo ready; while :; do sleep 0.05; done");
    await says("ready");
    expect(await child.stop({ graceMs: 50 })).to.deep.equal({ code: null, signal: "SIGKILL" });
  });

  it("get a second SIGTERM when one is not enough, as kube-apiserver needs", async () => {
    const child = await shell("n=0; trap 'n=$((n+1)); [ $n -lt 2 ] || exit 7' TERM; echo ready; while :; do sleep 0.02; done");
    await says("ready");
    expect(await child.stop({ graceMs: 2000, againMs: 60 })).to.deep.equal({ code: 7, signal: null });
  });

  it("take their own children with them", async () => {
    const child = await shell("sleep 100 & echo pid $!; echo ready; exit 0");
    await child.exited;
    const pid = Number(/pid (\d+)/.exec(await readFile(logFile, "utf8"))?.[1]);
    await sleep(20);
    const state = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "gone) Z");
    expect(state).to.match(/\) Z/);
  });

  it("that cannot be started say so with the program's name", async () => {
    const error: unknown = await startProcess({ name: "child", command: join(dir, "none"), args: [], logFile }).catch(
      (e: unknown) => e,
    );
    expect(error).to.be.instanceOf(ProcessError);
    expect((error as Error).message).to.match(/^child: cannot start .*none: .*ENOENT/);
  });

  it("get free ports that are all different and can be listened on", async () => {
    const ports = await freePorts(5);
    expect(new Set(ports).size).to.equal(5);
    const server = createServer();
    await new Promise<void>((done, fail) => server.once("error", fail).listen(ports[0], "127.0.0.1", done));
    server.close();
  });
});
