// SPDX-License-Identifier: Apache-2.0
// What the package costs a user's program, beside an empty Pulumi program in the same run: a type-checked `pulumi preview` by the real CLI, and the start
// of compiled code. Processor time and peak memory, since the machine may be busy. Lines of JSON; exit code 1 where a limit is missed.
// `ts-node -T tests/bench/consumer.ts [--runs N] [--package FOLDER]`
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { startEmulator } from "../../sandbox/emulator";
import { type EngineParts, runPulumi, startEngineParts } from "../../sandbox/pulumi";
import { ensureTools } from "../../sandbox/tools";

const ROOT = path.resolve(__dirname, "../..");
function option(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}
const RUNS = Number(option("--runs") ?? 9);
/** Folder of the package: this one, or an unpacked tarball with its dependencies. */
const PACKAGE = path.resolve(option("--package") ?? ROOT);
/** More than an empty program, in percent; and milliseconds of a start. */
const LIMIT_PERCENT = 10;
const LIMIT_START_MS = 30;

/** What "everything" registers, counted by its preview. */
const RESOURCES = 34;
const BY_HAND = "as many resources by hand";

/** Writes what the process used down, at its very end. */
const TOLD = `process.on("exit", () => { const u = process.cpuUsage(); require("fs").writeFileSync(__dirname + "/used.json",
  JSON.stringify({ cpuMs: (u.user + u.system) / 1000, rssMb: process.resourceUsage().maxRSS / 1024 })); });`;
const PROGRAMS: { [name: string]: string } = {
  empty: `import * as pulumi from "@pulumi/pulumi";\n${TOLD}\nexport const project: string = pulumi.getProject();\n`,
  "one component": `import * as pulumi from "@pulumi/pulumi";\nimport { AddressSet } from "pulumi-gke-persistent-ip";\n${TOLD}
export const project: string = pulumi.getProject();
export const web = new AddressSet("edge", { region: "us-central1", addresses: { web: {} } }).addresses["web"];\n`,
  // As many registrations as the next one makes, with nothing but the SDK: what the engine and the SDK take for them.
  [BY_HAND]: `import * as pulumi from "@pulumi/pulumi";\n${TOLD}
export const project: string = pulumi.getProject();
class Plain extends pulumi.CustomResource {}
for (let i = 0; i < ${RESOURCES}; i++)
  new Plain("gcp:compute/network:Network", "n" + i, { name: "n" + i, autoCreateSubnetworks: false, description: "one of many" });\n`,
  everything: `import * as pulumi from "@pulumi/pulumi";\nimport { PersistentPodIps } from "pulumi-gke-persistent-ip";\n${TOLD}
export const project: string = pulumi.getProject();
export const all = new PersistentPodIps("edge", { region: "us-central1", addresses: { web: {} },
  cluster: { create: { network: "default", subnetwork: "default", podRange: "pods", serviceRange: "services" } },
  networks: { blue: { cidr: "10.1.0.0/20", podCidr: "10.128.0.0/16" } },
  routes: { web: { addresses: ["web"], podSelector: { matchLabels: { app: "web" } } } } }).addresses;\n`,
};
const TSCONFIG = {
  compilerOptions: { target: "es2020", module: "commonjs", moduleResolution: "node", strict: true, skipLibCheck: true },
};

interface Used {
  cpuMs: number;
  rssMb: number;
  clockMs: number;
  /** How many the preview would create, the stack among them. */
  resources: number;
}
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
const round = (n: number): number => Math.round(n * 10) / 10;

/** A user's folder: the package from a registry, as far as it can tell. */
async function folderOf(parts: EngineParts, dir: string, name: string): Promise<string> {
  const folder = path.join(dir, name.replace(/ /g, "-"));
  const modules = path.join(folder, "node_modules");
  mkdirSync(path.join(modules, "@pulumi"), { recursive: true });
  symlinkSync(PACKAGE, path.join(modules, "pulumi-gke-persistent-ip"));
  for (const sdk of ["@pulumi/pulumi", "@pulumi/gcp", "typescript", "ts-node", "@types"])
    symlinkSync(path.join(ROOT, "node_modules", sdk), path.join(modules, sdk));
  writeFileSync(path.join(folder, "Pulumi.yaml"), `name: ${path.basename(folder)}\nruntime: nodejs\nmain: index.ts\n`);
  writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: path.basename(folder), main: "index.ts" }));
  writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
  writeFileSync(path.join(folder, "index.ts"), PROGRAMS[name]!);
  for (const args of [
    ["stack", "init", "dev"],
    ["config", "set", "gcp:project", "sandbox-project"],
  ]) {
    const ran = await runPulumi(parts, args, { cwd: folder });
    if (ran.code !== 0) throw new Error(ran.stdout + ran.stderr);
  }
  return folder;
}

async function preview(parts: EngineParts, folder: string): Promise<Used> {
  const began = performance.now();
  // Type-checked output is kept in the temporary folder by ts-node 7: a CI job never has it.
  const env = { TS_NODE_CACHE: "false", PULUMI_NODEJS_TYPESCRIPT: "true" };
  const ran = await runPulumi(parts, ["preview", "--non-interactive"], { cwd: folder, env });
  if (ran.code !== 0) throw new Error(ran.stdout + ran.stderr);
  const used = JSON.parse(readFileSync(path.join(folder, "used.json"), "utf8")) as { cpuMs: number; rssMb: number };
  const resources = Number(/(\d+) to create/.exec(ran.stdout)?.[1]);
  return { ...used, clockMs: performance.now() - began, resources };
}

/** Milliseconds of processor time that loading the compiled package takes, the SDK being loaded. */
function startOnce(): number {
  const script = `require("@pulumi/pulumi"); const a = process.cpuUsage(); require(${JSON.stringify(path.join(PACKAGE, "dist/components"))});
const b = process.cpuUsage(a); console.log((b.user + b.system) / 1000)`;
  return Number(execFileSync(process.execPath, ["-e", script], { cwd: ROOT, encoding: "utf8" }));
}

async function previews(parts: EngineParts, dir: string): Promise<Map<string, Used[]>> {
  const folders: [string, string][] = [];
  for (const name of Object.keys(PROGRAMS)) folders.push([name, await folderOf(parts, dir, name)]);
  const all = new Map<string, Used[]>();
  // In turns, so that what else the machine does meets each alike. The first round warms the page cache and is not counted.
  for (let run = 0; run <= RUNS; run++)
    for (const [name, folder] of folders) {
      const used = await preview(parts, folder);
      if (run > 0) all.set(name, [...(all.get(name) ?? []), used]);
    }
  return all;
}
const FIELDS = ["cpuMs", "rssMb", "clockMs", "resources"] as const;
const medians = (used: readonly Used[]): object =>
  Object.fromEntries(FIELDS.map((f) => [f, round(median(used.map((u) => u[f])))]));

interface Comparison {
  program: string;
  beside: string;
  what: "processor" | "memory";
  morePercent: number;
  /** Where it is missed, the bench ends with 1. */
  limitPercent?: number;
  /** Where it is missed, that is told. */
  goalPercent?: number;
}

/** What could not be measured is no number, and over every limit. */
const over = (percent: number | undefined, { morePercent }: Comparison): boolean =>
  percent !== undefined && !(morePercent <= percent);
const nameOf = (r: Comparison): string => `${r.program} beside ${r.beside}, ${r.what}`;

/** What is compared with what, and which of it has the limit. */
function comparisons(used: ReadonlyMap<string, readonly Used[]>): Comparison[] {
  const row = (
    program: string,
    beside: string,
    what: Comparison["what"],
    bound: "limitPercent" | "goalPercent" | false = "limitPercent",
  ): Comparison => {
    const field = what === "processor" ? "cpuMs" : "rssMb";
    // Turn by turn: a shared machine is faster in one minute than in the next, and both were measured in the same one.
    const ratios = used.get(program)!.map((u, turn) => u[field] / used.get(beside)![turn]![field]);
    const morePercent = round((median(ratios) - 1) * 100);
    return { program, beside, what, morePercent, ...(bound ? { [bound]: LIMIT_PERCENT } : {}) };
  };
  return [
    row("one component", "empty", "processor"),
    row("one component", "empty", "memory"),
    row("everything", BY_HAND, "processor"),
    row("everything", BY_HAND, "memory"),
    // A goal, no limit: what the engine and the SDK take for so many resources is the row of those by hand.
    row("everything", "empty", "processor", "goalPercent"),
    row("everything", "empty", "memory"),
    row(BY_HAND, "empty", "processor", false),
    row(BY_HAND, "empty", "memory", false),
  ];
}

async function main(): Promise<void> {
  say({ node: process.version, cpus: os.cpus().length, cpu: os.cpus()[0]?.model, runs: RUNS });
  const dir = mkdtempSync(path.join(os.tmpdir(), "consumer-"));
  const { pulumi } = await ensureTools();
  const emulator = await startEmulator({ operationLatencyMs: 0 });
  const parts = await startEngineParts({
    dir: path.join(dir, "pulumi"),
    pulumiBinary: pulumi,
    emulatorUrl: emulator.url,
    project: emulator.project,
  });
  try {
    const used = await previews(parts, dir);
    for (const [program, turns] of used) say({ program, ...medians(turns) });
    const startMs = round(median(Array.from({ length: Math.max(RUNS, 5) }, startOnce)));
    const rows = comparisons(used);
    for (const row of rows) say(row);
    say({ startMs, limitMs: LIMIT_START_MS });
    const missed = rows.filter((r) => over(r.limitPercent, r)).map(nameOf);
    if (!(startMs <= LIMIT_START_MS)) missed.push("start");
    const good = missed.length === 0;
    say({ good, missed, missedGoals: rows.filter((r) => over(r.goalPercent, r)).map(nameOf) });
    process.exitCode = good ? 0 : 1;
  } finally {
    await parts.stop();
    await emulator.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
