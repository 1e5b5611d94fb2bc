// SPDX-License-Identifier: Apache-2.0
// Where packets can be tried: as root directly, else again in an unprivileged user namespace, else not at all, with the reason.
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import type { Context } from "mocha";
import { LabAgent } from "./agent";
import { programs, type Programs } from "./bundle";
import { output, start, down, netns, quietly, sh, until, type Running } from "./shell";
import type { Answers, Meter, TrafficOptions } from "./traffic";

const root = path.resolve(__dirname, "../..");
const INSIDE = "PIP_PACKETS_INSIDE";
const uidMap = (): string => (process.platform === "linux" ? fs.readFileSync("/proc/self/uid_map", "utf8") : "");
/** What `unshare -r` makes: one user, who is root there. Either we have made it (`again`) or who called us has. */
const inUserNamespace = (): boolean => process.env[INSIDE] === "1" || /^\s*0\s+\d+\s+1\s*$/.test(uidMap());

/** A user namespace has an own /run over somebody else's, and a loopback interface that is up. @returns whether that could be done */
function furnish(): boolean {
  if (fs.existsSync("/run/netns/.pip")) return true;
  if (!quietly("mount", "-t", "tmpfs", "lab", "/run")) return false;
  fs.mkdirSync("/run/netns", { recursive: true });
  fs.writeFileSync("/run/netns/.pip", "");
  return quietly("ip", "link", "set", "lo", "up");
}

/** `direct`: namespaces can be made here. Otherwise why not. */
function access(): "direct" | "unshare" | { reason: string } {
  if (process.platform !== "linux") return { reason: "network namespaces need Linux" };
  for (const tool of ["ip", "nft", "nsenter", "sysctl"])
    if (!quietly("sh", "-c", `command -v ${tool}`)) return { reason: `${tool} is not installed` };
  const user = inUserNamespace();
  if (user && !furnish()) return { reason: "a user namespace without mounts and a network of its own (unshare -Urnm has them)" };
  const probe = netns("probe");
  if (quietly("ip", "netns", "add", probe)) {
    sh("ip", "netns", "del", probe);
    return "direct";
  }
  if (!user && quietly("unshare", "-Urnm", "true")) return "unshare";
  return { reason: "neither root nor unprivileged user namespaces" };
}

export interface Again {
  code: number | null;
  text: string;
  /** How many passed and were skipped, and the reasons for the latter. */
  said: string;
  /** What failed, as mocha tells it at its end; all of the text where it did not come that far. */
  why: string;
}
/** Runs test files (and mocha's flags) in a user namespace. @returns what mocha printed, and its exit code */
export function again(files: readonly string[], before: readonly string[] = []): Again {
  const command = [
    ...before,
    "unshare",
    "-Urnm",
    "--propagation",
    "private",
    process.execPath,
    "node_modules/mocha/bin/mocha.js",
  ];
  const [program = "", ...args] = [...command, "--reporter", "spec", ...files];
  const env = { ...process.env, [INSIDE]: "1" };
  const r = spawnSync(program, args, { cwd: root, encoding: "utf8", env, maxBuffer: 1 << 26 });
  const text = `${r.stdout}${r.stderr}`;
  const reasons = new Set(Array.from(text.matchAll(/\(skipped: (.*)\)$/gm), ([, why]) => `skipped: ${why}`));
  const said = [...(text.match(/\d+ (passing|pending)/g) ?? []), ...reasons].join(", ");
  return { code: r.status, text, said, why: text.slice(Math.max(0, text.search(/^\s*\d+ failing$/m))) };
}

/** One scenario's means: programs, agents, traffic. */
export class Scenario {
  /** True while a story goes on: its lab stays from one step to the next. */
  kept = false;
  constructor(readonly programs: Programs) {}

  agent(node: string, ...flags: string[]): LabAgent {
    return new LabAgent(this.programs, node, flags);
  }
  /** An echo server in a namespace, named after it. */
  async serve(ns: string, o: TrafficOptions = {}): Promise<Running> {
    const server = start(ns, this.traffic("serve", { name: ns, ...o }));
    await until(`server of ${ns}: ${server.text()}`, () => server.text().includes("ready"));
    return server;
  }
  /** What the client hears from the address by UDP and TCP; one shape for both. */
  async ask(o: TrafficOptions = {}, from = "client"): Promise<Answers> {
    return JSON.parse(await output(from, this.traffic("ask", o))) as Answers;
  }
  async meter(o: TrafficOptions = {}): Promise<Meter> {
    return JSON.parse(await output("client", this.traffic("meter", o))) as Meter;
  }
  async hold(o: TrafficOptions = {}): Promise<{ ok: number; end: string }> {
    return JSON.parse(await output("client", this.traffic("hold", o))) as { ok: number; end: string };
  }
  /** What the client's server hears from a Pod that sends with the address. */
  fromPod(pod: string): Promise<Answers> {
    return this.ask({ host: "198.51.100.10", port: 9100, source: "34.123.10.1" }, pod);
  }
  private traffic(what: string, o: TrafficOptions): string[] {
    return [process.execPath, this.programs.traffic, what, JSON.stringify(o)];
  }
}

/** Built once for all files of a run: that costs more than a scenario. */
let built: Promise<Programs> | undefined;
const once = (): Promise<Programs> =>
  (built ??= programs().then((p) => {
    process.once("exit", () => fs.rmSync(p.folder, { recursive: true, force: true }));
    return p;
  }));

/** A group of scenarios; each test ends with nothing of it left on the machine. */
export function packets(title: string, file: string, body: (s: () => Scenario) => void): void {
  describe(title, function () {
    this.timeout(60_000);
    const how = access();
    if (how === "unshare")
      return void it("passes in an unprivileged user namespace", function () {
        this.timeout(240_000);
        const { code, text, said, why } = again([file]);
        if (code !== 0) throw new Error(why);
        // What ran in there is said out here.
        this.test!.title += `: ${said}`;
        if (!/^\s*[1-9]\d* passing/m.test(text)) this.skip();
      });
    if (how !== "direct")
      return void it(`is skipped: ${how.reason}`, function () {
        this.skip();
      });
    let scenario: Scenario;
    before(async () => {
      scenario = new Scenario(await once());
    });
    afterEach(() => (scenario?.kept ? undefined : down()));
    body(() => scenario);
  });
}

export type Step<T> = [title: string, check: (made: T, s: Scenario) => unknown];
export interface Story<T> {
  build: (s: Scenario) => Promise<T> | T;
  steps: Step<T>[];
}
/** Steps in one lab, each a test of its own, in order. After one has failed the others are skipped: they stand on it. */
export function story<T>(scenario: () => Scenario, title: string, { build, steps }: Story<T>): void {
  describe(title, function () {
    let made: T;
    let broken = false;
    before(async () => {
      scenario().kept = true;
      made = await build(scenario());
    });
    after(async () => {
      scenario().kept = false;
      await down();
    });
    for (const [step, check] of steps)
      it(`${title}: ${step}`, async function () {
        if (broken) return this.skip();
        broken = true;
        await check(made, scenario());
        broken = false;
      });
  });
}
/** Skips with the reason in the title, so that it is read in every report. */
export function skipped(test: Context, reason: string): never {
  test.test!.title += ` (skipped: ${reason})`;
  return test.skip();
}
export const NO_ROOT = "runc needs the machine's own root, not a user namespace's: it mounts, and makes cgroups";
export const failed = (a: Answers): boolean => a.udp.includes("FAIL") && a.tcp.includes("FAIL");
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const GOOD: Answers = { udp: "|pa|198.51.100.10|from 34.123.10.1", tcp: "|pa|198.51.100.10|34.123.10.1" };
