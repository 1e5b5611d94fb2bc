// SPDX-License-Identifier: Apache-2.0
// A Pod in a place of its own whose node loses power, with real processes.
import { expect } from "chai";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "../../controller/kubernetes/transport";
import type { PodPlace } from "./pod-place";
import { PodRunner } from "./pod-runner";
import { PodError, type Pod } from "./pod-types";

/** A place without namespaces that counts, and that has power or not. */
class Room implements PodPlace {
  power = true;
  opened = 0;
  entered = 0;
  open(): Promise<void> {
    if (!this.power) return Promise.reject(new PodError("NodeDown", "no power"));
    this.opened++;
    return Promise.resolve();
  }
  close = (): Promise<void> => Promise.resolve();
  inside: PodPlace["inside"] = (line) => {
    this.entered++;
    return line;
  };
  connect: PodPlace["connect"] = () => Promise.reject(new Error("no probes here"));
}

const POD = {
  metadata: { name: "p", namespace: "default", uid: "0123456789" },
  spec: {
    nodeName: "n",
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "c", image: "x", command: ["sleep", "60"] }],
  },
} as unknown as Pod;

describe("A Pod in a place of its own", () => {
  let dir: string;
  let room: Room;
  let runner: PodRunner;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "gkepip-runner-"));
    room = new Room();
    const housing = { path: process.env["PATH"]!, entrypoints: new Map<string, string[]>(), place: room };
    runner = new PodRunner(
      {
        client: { request: () => Promise.resolve({}) } as unknown as ApiClient,
        api: { host: "127.0.0.1", port: "1" },
        ...{ root: join(dir, "root"), logs: join(dir, "logs"), extraEnv: {}, housing },
        backOff: { baseMs: 10, maxMs: 10, resetAfterMs: 10 },
        facts: { podIP: "10.0.0.2", hostIP: "10.0.0.1" },
      },
      POD,
    );
  });
  afterEach(async () => {
    await runner.vanish();
    rmSync(dir, { recursive: true, force: true });
  });
  const until = async (is: () => boolean): Promise<void> => {
    for (let i = 0; i < 200 && !is(); i++) await sleep(20);
    expect(is()).to.equal(true);
  };

  it("runs again in a new place, one restart later, when its node has power again", async () => {
    await runner.start();
    await until(() => runner.pid !== undefined);
    const first = runner.pid;
    runner.nodeDown("power");
    await runner.nodeUp();
    await until(() => runner.pid !== undefined && runner.pid !== first);
    expect(room.opened).to.equal(2);
    expect(runner.runs[0]?.state.restartCount).to.equal(1);
  });

  it("that still waited for something when the power went is started once afterwards, not twice", async () => {
    room.power = false;
    const started = runner.start();
    await sleep(50);
    runner.nodeDown("power");
    room.power = true;
    void runner.nodeUp();
    await started;
    await until(() => runner.pid !== undefined);
    await sleep(700);
    expect({ opened: room.opened, entered: room.entered }).to.deep.equal({ opened: 1, entered: 1 });
  });
});
