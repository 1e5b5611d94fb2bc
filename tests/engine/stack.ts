// SPDX-License-Identifier: Apache-2.0
// One Pulumi project folder with one stack, run by the real CLI, and what its event log says of each run.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { runPulumi, type EngineParts } from "../../sandbox/pulumi";

export interface StackOptions {
  name: string;
  /** Text of the program. */
  program: string;
  /** JavaScript starts a second sooner. Default: index.ts. */
  entry?: "index.ts" | "index.js";
}

/** One step of a run that changes something. */
export interface Op {
  op: string;
  /** `gcp:compute/address:Address web` */
  what: string;
  diffs: string[];
}

export interface Run {
  code: number;
  text: string;
  /** Without `same` and `refresh`, sorted: the engine's order differs from run to run. */
  ops: Op[];
  errors: string[];
}

interface EngineEvent {
  resourcePreEvent?: { metadata: { op: string; urn: string; type: string; diffs?: string[] | null } };
  resOutputsEvent?: { metadata: { op: string; urn: string; type: string; diffs?: string[] | null } };
  diagnosticEvent?: { severity: string; message: string };
}

const TSCONFIG = {
  compilerOptions: {
    target: "es2022",
    module: "commonjs",
    moduleResolution: "node",
    noCheck: true,
    skipLibCheck: true,
    strict: true,
  },
};

export class Stack {
  private constructor(
    private readonly parts: EngineParts,
    readonly folder: string,
    readonly name: string,
    /** `env`: variables of each command. */
    private readonly files: { state: string; entry: string; env?: Record<string, string> },
  ) {}

  static async create(parts: EngineParts, dir: string, options: StackOptions): Promise<Stack> {
    mkdirSync(path.join(dir, "programs"), { recursive: true });
    const folder = mkdtempSync(path.join(dir, "programs", `${options.name}-`));
    const project = path.basename(folder).toLowerCase();
    const { entry = "index.ts" } = options;
    writeFileSync(path.join(folder, "Pulumi.yaml"), `name: ${project}\nruntime: nodejs\nmain: ${entry}\n`);
    writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: project, main: entry }));
    writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
    symlinkSync(path.resolve(__dirname, "../../node_modules"), path.join(folder, "node_modules"));
    const stack = new Stack(parts, folder, options.name, {
      entry,
      state: path.join(dir, "state", ".pulumi", "stacks", project, `${options.name}.json`),
    });
    stack.rewrite(options.program);
    const made = await runPulumi(parts, ["stack", "init", options.name], { cwd: folder });
    if (made.code !== 0) throw new Error(`stack init failed: ${made.stdout}${made.stderr}`);
    return stack;
  }

  /** A second folder of the same stack, whose commands get `env`. A preview takes no lock, so one can run in each folder at the same time. */
  twin(env: Record<string, string> = {}): Stack {
    const folder = mkdtempSync(`${this.folder}-twin-`);
    cpSync(this.folder, folder, { recursive: true, verbatimSymlinks: true });
    return new Stack(this.parts, folder, this.name, { ...this.files, env: { PULUMI_STACK: this.name, ...env } });
  }

  rewrite(program: string): void {
    writeFileSync(path.join(this.folder, this.files.entry), program);
  }

  // --event-log is one of the debug commands, which the Automation API switches on in the same way.
  /** Runs a command of the CLI; `edit` reaches the program as variables. */
  async run(args: string[], edit: Record<string, string> = {}): Promise<Run> {
    const log = path.join(this.folder, "events.json");
    writeFileSync(log, "");
    const logged = /^(preview|up|refresh|destroy)$/.test(args[0] ?? "") ? ["--event-log", log] : [];
    const result = await runPulumi(this.parts, [...args, ...logged], {
      cwd: this.folder,
      env: { ...this.files.env, ...edit, PULUMI_DEBUG_COMMANDS: "true" },
    });
    const events = readFileSync(log, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as EngineEvent);
    const errors = events.flatMap((e) => (e.diagnosticEvent?.severity === "error" ? [plain(e.diagnosticEvent.message)] : []));
    return { code: result.code, text: result.stdout + result.stderr, ops: opsOf(events, args[0] === "refresh"), errors };
  }

  preview(edit?: Record<string, string>, ...more: string[]): Promise<Run> {
    return this.run(["preview", ...more], edit);
  }
  up(edit?: Record<string, string>): Promise<Run> {
    return this.run(["up", "--yes", "--skip-preview"], edit);
  }
  destroy(): Promise<Run> {
    return this.run(["destroy", "--yes", "--skip-preview"]);
  }
  refresh(): Promise<Run> {
    return this.run(["refresh", "--yes", "--skip-preview"]);
  }

  async outputs(): Promise<Record<string, unknown>> {
    const { text } = await this.run(["stack", "output", "--json"]);
    return JSON.parse(text) as Record<string, unknown>;
  }

  /** The state as it lies on the disk. */
  stateText(): string {
    return readFileSync(this.files.state, "utf8");
  }
}

const plain = (message: string): string => message.replace(/<\{%.*?%\}>/g, "").trim();

// A refresh tells its result only in the event that follows it.
function opsOf(events: EngineEvent[], refresh: boolean): Op[] {
  return events
    .flatMap((e) => (refresh ? (e.resOutputsEvent ?? []) : (e.resourcePreEvent ?? [])))
    .filter(
      ({ metadata: m }) =>
        !["same", "refresh", "read"].includes(m.op) && !m.type.startsWith("pulumi:pulumi:") && !m.urn.includes("::default_"),
    )
    .map(({ metadata: m }) => ({ op: m.op, what: `${m.type} ${m.urn.split("::").at(-1) ?? ""}`, diffs: m.diffs ?? [] }))
    .sort((a, b) => `${a.what} ${a.op}`.localeCompare(`${b.what} ${b.op}`));
}

/** `op what` of each step, for short expectations. */
export const lines = (run: Run): string[] => run.ops.map((o) => `${o.op} ${o.what}`);
