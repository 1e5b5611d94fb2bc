// SPDX-License-Identifier: Apache-2.0
// `npm run sandbox`: builds what is missing, starts a world, shows the system's main job, and stays up until Ctrl-C. Cleans up on every way out.
import { execFile, spawn } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { installHosts, installPlugin, pythonOf, runtimeOf } from "./languages";
import { createDisplay, seconds, type Display } from "./display";
import { createStack, demonstrate, ROOT, type DemoReport, type Stack } from "./demo";
import { shellFile } from "./environment";
import { followOuter, isInside, runInside } from "./nodes/namespaces";
import { cli, type RunFlags } from "./options";
import { demonstratePackets } from "./packets/demo";
import { possibleNodes } from "./packets/possible";
import { PACKET_CONFIG } from "./packets/stack";
import { ensureTools, findTools, progressText, type Group, type Tools } from "./tools";
import type { PacketNodes } from "./world/packets";
import { startWorld, type World } from "./world/world";

const run = promisify(execFile);
const BUILD = "scripts/build.ts";

/** What is to be undone, newest first; each at most once, whichever way the process ends. */
class Cleanup {
  private readonly todo: { name: string; undo: () => Promise<void> | void }[] = [];
  private running: Promise<void> | undefined;
  add(name: string, undo: () => Promise<void> | void): void {
    this.todo.unshift({ name, undo });
  }
  all(): Promise<void> {
    return (this.running ??= this.undoAll());
  }
  private async undoAll(): Promise<void> {
    for (const { name, undo } of this.todo.splice(0)) {
      try {
        await undo();
      } catch (error) {
        process.stderr.write(`could not clean up ${name}: ${String(error)}\n`);
      }
    }
  }
}

function stopSignal(cleanup: Cleanup, display: Display): Promise<"stopped"> {
  return new Promise((resolve) => {
    const on = (signal: NodeJS.Signals): void => {
      process.once(signal, () => {
        display.say("\nstopping; once more ends at once");
        process.once(signal, () => process.exit(130));
        void cleanup.all().then(() => resolve("stopped"));
      });
    };
    (["SIGINT", "SIGTERM", "SIGHUP"] as const).forEach(on);
  });
}

interface Wanted extends Omit<RunFlags, "nodes"> {
  /** What nodes with real packets are made of. */
  nodes?: PacketNodes;
  /** Programs in Python or YAML are to be run. */
  languages?: boolean;
}
const groups = ({ nodes, languages }: Wanted): Group[] => [
  ...(["kubernetes", "pulumi"] as const),
  ...(nodes === "kubelets" ? (["nodes"] as const) : []),
  ...(languages ? (["languages"] as const) : []),
];

/** Real packets only where this machine can have them; otherwise says what is missing and goes on without. */
async function possible({ nodes: asked, ...flags }: RunFlags & Pick<Wanted, "languages">, display: Display): Promise<Wanted> {
  if (!flags.packets) return flags;
  const { nodes, lines } = await possibleNodes(asked);
  lines.forEach((line) => display.say(line));
  if (lines.length > 0) display.say();
  const wanted = { ...flags, packets: nodes !== undefined, ...(nodes ? { nodes } : {}) };
  return nodes === "namespaces" && !isInside() ? goInside(wanted, display) : wanted;
}

/** Programs are built before: in there no network leads out. Does not come back. */
async function goInside(flags: Wanted, display: Display): Promise<never> {
  if ("missing" in (await findTools(groups(flags)))) await programs(flags, display);
  if (existsSync(path.join(ROOT, BUILD))) await buildOwn();
  const start = __filename.endsWith(".ts") ? [TS_NODE(), "-T", __filename] : [__filename];
  process.exit(await runInside([...start, ...process.argv.slice(2)]));
}

const programs = (flags: Wanted, display: Display): Promise<Tools> =>
  display.step(
    "programs: Kubernetes, kubectl, kwok, pulumi",
    (p) => ensureTools({ need: groups(flags), progress: (now) => p.update(progressText(now)) }),
    (t) => path.dirname(t.kubeApiserver),
  );
const TS_NODE = (): string => require.resolve("ts-node/dist/bin");
const buildOwn = async (): Promise<string> =>
  (await run(process.execPath, [TS_NODE(), "-T", BUILD, "--if-needed"], { cwd: ROOT })).stdout;

async function prepare(flags: Wanted, display: Display, cleanup: Cleanup): Promise<{ world: World; tools: Tools }> {
  const tools = await programs(flags, display);
  // The package of npm is built already, and has no sources.
  if (existsSync(path.join(ROOT, BUILD)))
    await display.step("build components and controller", buildOwn, (out) => out.trim() || "up to date");
  const note = flags.verbose ? (line: string): void => display.say(`    ${line}`) : undefined;
  const world = await display.step(
    "Google Cloud emulator, Pulumi providers",
    () =>
      startWorld({
        tools,
        operationLatencyMs: flags.latency,
        ...(note ? { note } : {}),
        ...(flags.crdDelay ? { crdDelayMs: flags.crdDelay } : {}),
        ...(flags.packets ? { packets: flags.datapath, ...(flags.nodes ? { nodes: flags.nodes } : {}) } : {}),
      }),
    (w) => w.emulator.url,
  );
  cleanup.add("the world", () => world.stop());
  if (flags.languages) {
    installHosts(world.engine.home, tools);
    installPlugin(world.engine.home);
  }
  return { world, tools };
}

function environment(world: World, stack?: Stack): Record<string, string> {
  return { ...world.env(), ...(stack ? { PULUMI_STACK: stack.name } : {}) };
}

function howTo(world: World, file: string): string {
  const { endpoint } = { endpoint: world.emulator.url };
  return [
    "The sandbox is up. In another terminal:",
    "",
    `    source ${file}`,
    "    kubectl get gkeiproutes,gateways -A; kubectl get addressbindings -w",
    "    kubectl delete pod -n proxy -l app=proxy --wait=false        # watch an address move",
    "    gcloud compute forwarding-rules list; gcloud compute addresses list",
    "    pulumi preview                                               # in this folder",
    "",
    `Google's API: ${endpoint}   state and logs: ${world.dir}`,
    "Ctrl-C ends it and cleans everything up.",
  ].join("\n");
}

const wayIn = (): string =>
  `Everything is in namespaces of yours; the other terminal goes in there first:\n    nsenter -t ${process.pid} -U --preserve-credentials -n -m`;

const machine = (): object => ({
  node: process.version,
  platform: `${process.platform}/${process.arch}`,
  kernel: release(),
  cpus: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
});

async function demo(asked: RunFlags): Promise<void> {
  const display = createDisplay(process.stdout);
  const flags = await possible(asked, display);
  const cleanup = new Cleanup();
  const stopped = stopSignal(cleanup, display);
  const report: DemoReport = {};
  const started = Date.now();
  const main = async (): Promise<"done"> => {
    const { world } = await prepare(flags, display, cleanup);
    const stack = await display.step(
      "pulumi stack",
      () => createStack(world, flags.packets ? PACKET_CONFIG : {}),
      (s) => s.name,
    );
    cleanup.add("the stack's configuration", () => stack.remove());
    await (flags.packets ? demonstratePackets : demonstrate)(world, stack, display, report);
    display.say(`\nup after ${seconds(Date.now() - started)}\n`);
    const file = path.resolve(flags.env ?? path.join(world.dir, "env.sh"));
    writeFileSync(file, shellFile(environment(world, stack)));
    if (flags.env) cleanup.add("the file of variables", () => rmSync(file, { force: true }));
    if (flags.once) return "done";
    display.say([howTo(world, file), ...(isInside() ? [wayIn()] : [])].join("\n"));
    await stopped;
    return "done";
  };
  let failure: unknown;
  try {
    await Promise.race([main(), stopped.then(() => Promise.reject(new Error("stopped")))]).catch((error: unknown) => {
      if (!(error instanceof Error && error.message === "stopped" && !flags.once)) throw error;
    });
  } catch (error) {
    failure = error;
    display.say(`\n${error instanceof Error ? error.message : String(error)}`);
  }
  await cleanup.all();
  if (flags.report)
    writeFileSync(
      flags.report,
      `${JSON.stringify({ ok: failure === undefined, totalMs: Date.now() - started, machine: machine(), steps: display.steps, ...report }, null, 2)}\n`,
    );
  process.exit(failure === undefined ? 0 : 1);
}

async function exec(command: string[], flags: RunFlags): Promise<void> {
  const display = createDisplay(process.stderr);
  const cleanup = new Cleanup();
  void stopSignal(cleanup, display).then(() => process.exit(130));
  let code = 1;
  try {
    const folder = process.env.INIT_CWD ?? process.cwd();
    const runtime = runtimeOf(folder);
    const python = runtime === "python" ? pythonOf(folder) : undefined;
    const languages = runtime === "python" || runtime === "yaml";
    const { world } = await prepare(await possible({ ...flags, languages }, display), display, cleanup);
    const { SANDBOX_BIN: bin = "", ...env } = environment(world);
    const child = spawn(command[0]!, command.slice(1), {
      cwd: folder,
      env: {
        ...process.env,
        ...env,
        ...(python ? { PULUMI_PYTHON_CMD: python } : {}),
        PATH: `${bin}${path.delimiter}${process.env.PATH ?? ""}`,
      },
      stdio: "inherit",
    });
    code = await new Promise<number>((resolve, reject) => child.once("error", reject).once("exit", (c) => resolve(c ?? 1)));
  } catch (error) {
    display.say(error instanceof Error ? error.message : String(error));
  }
  await cleanup.all();
  process.exit(code);
}

if (isInside()) followOuter();
cli({ run: demo, exec })
  .parseAsync(process.argv)
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });
