// SPDX-License-Identifier: Apache-2.0
// Does the event loop stand still, and what does an event cost, with a real kube-apiserver: 10,000 Pods of 9 KB and 1,000 routes, from a cold start to
// every route Ready, then readiness changing 100 times a second, then everything looked at again; and beside it, in the same run, an informer of
// @kubernetes/client-node that does nothing with the Pods. Lines of JSON; exit code 1 where a turn took more processor time than --limit-ms (50).
// `ts-node -T tests/bench/real.ts [--pods N] [--routes N] [--nodes N] [--namespaces N] [--changes N]`
import { fork, type ChildProcess } from "node:child_process";
import * as os from "node:os";
import * as path from "node:path";
import type { Answer, Order } from "./real-child";
import { RealWorld, type RealSize } from "./real-world";

const option = (name: string, fallback: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const SIZE: RealSize = {
  pods: option("pods", 10_000),
  routes: option("routes", 1_000),
  nodes: option("nodes", 1_000),
  namespaces: option("namespaces", 50),
};
const CHANGES = option("changes", 2_000);
const PER_SECOND = 100;
const LIMIT_MS = option("limit-ms", 50);
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

class Measured {
  private readonly child: ChildProcess = fork(path.join(__dirname, "real-child.ts"), {
    execArgv: ["--expose-gc", "-r", "ts-node/register/transpile-only"],
  });
  constructor(private readonly who: string) {}

  do(order: Order): Promise<Answer | undefined> {
    return new Promise((resolve, reject) => {
      this.child.once("exit", (code) => reject(new Error(`${this.who} ended with ${code}`)));
      this.child.once("message", ({ answer }: { answer?: Answer }) => {
        this.child.removeAllListeners("exit");
        resolve(answer);
      });
      this.child.send(order);
    });
  }
  async phase(name: string, work: () => Promise<unknown>): Promise<Answer & { phase: string }> {
    await this.do({ order: "begin" });
    await work();
    const answer = { ...(await this.do({ order: "end" }))!, phase: `${this.who}: ${name}` };
    const { phase, longest, ...figures } = answer;
    say({ phase, ...figures, longest: longest.map((t) => `${t.cpuMs} at ${t.at}`) });
    return answer;
  }
  async churn(world: RealWorld): Promise<Answer & { phase: string }> {
    const answer = await this.phase(`${CHANGES} changes at ${PER_SECOND}/s`, async () => {
      await world.churn(CHANGES, PER_SECOND);
      await this.do({ order: "drained" });
    });
    say({ phase: answer.phase, cpuMsPerEvent: Math.round((answer.processCpuMs / CHANGES) * 100) / 100 });
    return answer;
  }
  end(): void {
    this.child.disconnect();
  }
}

async function controller(world: RealWorld): Promise<(Answer & { phase: string })[]> {
  const ours = new Measured("controller");
  const { adminKubeconfigPath: kubeconfig } = world.plane;
  const all = [
    await ours.phase(`${SIZE.pods} Pods, until synced`, async () => {
      await ours.do({ order: "controller", kubeconfig, computeUrl: world.emulator.url });
      await ours.do({ order: "synced" });
    }),
    await ours.phase(`${SIZE.routes} routes, until all Ready`, async () => {
      await ours.do({ order: "ready", routes: SIZE.routes });
      await ours.do({ order: "drained" });
    }),
    await ours.churn(world),
    await ours.phase("everything again", async () => {
      await ours.do({ order: "again" });
      await ours.do({ order: "drained" });
    }),
  ];
  ours.end();
  return all;
}
async function baseline(world: RealWorld): Promise<void> {
  const theirs = new Measured("client-node informer");
  await theirs.phase(`${SIZE.pods} Pods, until synced`, async () => {
    await theirs.do({ order: "informer", kubeconfig: world.plane.adminKubeconfigPath, pods: SIZE.pods });
    await theirs.do({ order: "synced" });
  });
  await theirs.churn(world);
  theirs.end();
}

async function main(): Promise<void> {
  say({ machine: os.cpus()[0]?.model, cores: os.cpus().length, load: os.loadavg()[0], node: process.version, ...SIZE });
  const began = performance.now();
  const world = await RealWorld.start(SIZE);
  say({ phase: "cluster filled", seconds: Math.round((performance.now() - began) / 1000) });
  try {
    const all = await controller(world);
    const worst = all.reduce((a, b) => (a.cpuMs > b.cpuMs ? a : b));
    say({ longestTurnMs: worst.cpuMs, in: worst.phase, limitMs: LIMIT_MS });
    if (worst.cpuMs > LIMIT_MS) process.exitCode = 1;
    await baseline(world);
  } finally {
    await world.stop();
  }
}
void main();
