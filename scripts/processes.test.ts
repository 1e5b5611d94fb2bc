// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { expect } from "chai";
import { endMarked, MARK, marked } from "./processes";

describe("processes of a run", () => {
  it("are ended by their mark, even where they have left the process group, and others are left alone", async function () {
    if (!existsSync("/proc/self/environ")) this.skip();
    const [mine, other] = [randomUUID(), randomUUID()];
    const start = (mark: string) =>
      spawn(process.execPath, ["-e", "console.log(1);setTimeout(()=>1,60000)"], {
        detached: true,
        env: { ...process.env, [MARK]: mark },
      });
    const [a, b] = [start(mine), start(other)];
    await Promise.all([a, b].map((child) => new Promise((resolve) => child.stdout.once("data", resolve))));
    const gone = new Promise((resolve) => a.once("exit", resolve));
    try {
      expect(marked(mine)).to.deep.equal([a.pid]);
      expect(await endMarked(mine, 0)).to.equal(1);
      await gone;
      expect(marked(mine)).to.deep.equal([]);
      expect(marked(other)).to.deep.equal([b.pid]);
    } finally {
      a.kill("SIGKILL");
      b.kill("SIGKILL");
    }
  });

  it("that are gone are not counted", async () => {
    expect(await endMarked(randomUUID(), 0)).to.equal(0);
  });
});
