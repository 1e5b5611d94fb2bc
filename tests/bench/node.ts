// SPDX-License-Identifier: Apache-2.0
// Figures of the node agent (the shipped program, in a namespace): adding routes, repairing drift, memory, idle CPU; beside one process for each
// route, done in the same run, and beside the timers that peers document (datapath.md 2, scenarios.md 2.1).
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import { BLUE, LabAgent, pod } from "../packets/agent";
import { programs } from "../packets/bundle";
import { podAdd, up } from "../packets/lab";
import { down, ip, netns, until } from "../packets/shell";

const PEERS = [
  "peers' documented timers: GKE's agent at most one pass in 2 s and a resync every 10 min; eip-operator re-asserts every 1 s;",
  "  kube-vip lease 15/10/2 s; MetalLB L2 a few seconds, over 10 s a bug; OVN-Kubernetes probe 5 s, links every 2 min; Antrea within 3 s",
];
const address = (i: number): string => `34.132.${i >> 8}.${i & 255}`;
const wishOf = (n: number, generation: number) => ({
  networks: [BLUE],
  addresses: Array.from({ length: n }, (_, i) => ({ address: address(i), network: "blue", generation, pod: pod("pa", 1, 10) })),
});
const ms = (n: number): string => `${n < 10 ? n.toFixed(1) : Math.round(n)} ms`;
const median = (list: number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] ?? NaN;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
const rssMiB = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
/** CPU that a process has used, milliseconds (100 ticks a second). */
const cpuMs = (pid: number): number => {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
};

/** One line each; says why where it cannot be measured here. */
export async function benchNode(): Promise<string[]> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return ["node agent: not measured (needs root on Linux)"];
  const made = await programs();
  try {
    return await measure(made);
  } finally {
    await down();
    fs.rmSync(made.folder, { recursive: true, force: true });
  }
}

async function measure(made: Awaited<ReturnType<typeof programs>>): Promise<string[]> {
  up({ nodes: 1 });
  podAdd("pa", 1, 10);
  const agent = new LabAgent(made, "n1", ["--anti-spoof", "off", "--masquerade-exemption", "off", "--forward-accept", "off"]);
  await agent.start(wishOf(0, 1));
  const one: number[] = [];
  for (let g = 2; g < 22; g += 2) {
    one.push((await agent.want(wishOf(1, g))).milliseconds);
    await agent.want(wishOf(0, g + 1));
  }
  const drift: number[] = [];
  await agent.want(wishOf(1, 30));
  for (let i = 0; i < 10; i += 1) {
    ip("n1", `route del ${address(0)}/32 metric 100 table 7101`);
    drift.push(await timed(() => until("repaired", () => ip("n1", "route show table 7101").includes("lxc-pa-1"))));
  }
  const calm = rssMiB(agent.pid);
  const before = cpuMs(agent.pid);
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  const idle = (cpuMs(agent.pid) - before) / 100;
  const thousand = await agent.want(wishOf(1000, 40));
  const full = rssMiB(agent.pid);
  const simple = spawnEach(200);
  const cpu = os.cpus();
  return [
    `node agent on ${cpu.length} x ${cpu[0]?.model.trim()}, Linux ${os.release()}, Node ${process.version}, load ${os.loadavg()[0]?.toFixed(1)}`,
    `  1 address (2 routes, 1 rule; dump, plan, batch, read back): ${ms(median(one))} (median of ${one.length})`,
    `  1000 addresses (2000 routes, 1000 rules) in one pass: ${ms(thousand.milliseconds)}, ${(thousand.milliseconds / 3000).toFixed(2)} ms an object`,
    `  one process for each route, the simple way: ${ms(simple)} a route, so ${ms(simple * 3000)} for as much (measured with 200)`,
    `  drift repaired, seen by another process that polls: ${ms(median(drift))} (median of ${drift.length})`,
    `  memory: ${Math.round(calm)} MiB with 1 address, ${Math.round(full)} MiB with 1000; CPU while idle: ${idle.toFixed(2)} % of a core over 10 s`,
    ...PEERS,
  ];
}
/** Milliseconds for a route. */
function spawnEach(n: number): number {
  const started = performance.now();
  for (let i = 0; i < n; i += 1)
    execFileSync("ip", ["-n", netns("n1"), "route", "replace", "blackhole", `34.140.0.${i}/32`, "table", "7199"]);
  return (performance.now() - started) / n;
}
