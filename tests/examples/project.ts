// SPDX-License-Identifier: Apache-2.0
// An example as its reader has it: the folder copied somewhere else, the packages installed beside it, the real CLI run inside.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { changes, ROOT } from "../../sandbox/demo";
import { runPulumi } from "../../sandbox/pulumi";
import type { World } from "../../sandbox/world/world";

const COMMAND_MS = 90_000;

export interface Ran {
  code: number;
  text: string;
  /** Resources by what happens to them, without the unchanged ones. */
  changes: Record<string, number>;
}

const STACK = "dev";
const newFolder = (source: string): string => mkdtempSync(path.join(tmpdir(), `example-${path.basename(source)}-`));

export class Project {
  private readonly copies: string[] = [];
  /** For every command. */
  env: Record<string, string> = {};

  private constructor(
    private readonly world: World,
    private readonly source: string,
    readonly folder: string,
  ) {}

  /** @param source folder to copy, relative to the repository */
  static async create(world: World, source: string, config: Record<string, string> = {}): Promise<Project> {
    const folder = newFolder(source);
    cpSync(path.join(ROOT, source), folder, { recursive: true });
    installPackages(folder);
    // The stack's file before the stack: each command of the CLI costs seconds, and "stack init" keeps what is there.
    writeFileSync(
      path.join(folder, `Pulumi.${STACK}.yaml`),
      JSON.stringify({ config: { "gcp:project": world.project, ...config } }),
    );
    const project = new Project(world, source, folder);
    await project.ok(["stack", "init", STACK]);
    return project;
  }

  /** The same stack from a folder of its own: an edit there can be previewed while this one is. */
  copy(): Project {
    const folder = newFolder(this.source);
    cpSync(this.folder, folder, { recursive: true });
    this.copies.push(folder);
    return Object.assign(new Project(this.world, this.source, folder), { env: this.env });
  }

  async configure(values: Record<string, string>): Promise<void> {
    const pairs = Object.entries(values).flatMap(([key, value]) => ["--plaintext", `${key}=${value}`]);
    await this.ok(["config", "set-all", "--path", ...pairs]);
  }

  /** Replaces one text by another in a file. @throws Error where it is not there exactly once */
  edit(from: string, to: string, file = "index.ts"): void {
    const where = path.join(this.folder, file);
    const parts = readFileSync(where, "utf8").split(from);
    if (parts.length !== 2) throw new Error(`${file} has "${from}" ${parts.length - 1} times`);
    writeFileSync(where, parts.join(to));
  }

  /** The program as the repository has it. */
  restore = (): void => cpSync(path.join(ROOT, this.source), this.folder, { recursive: true });

  async run(args: string[]): Promise<Ran> {
    const signal = AbortSignal.timeout(COMMAND_MS);
    const env = { PULUMI_STACK: STACK, ...this.env };
    const done = await runPulumi(this.world.engine, [...args, "--non-interactive"], { cwd: this.folder, env, signal });
    const text = done.stdout + done.stderr;
    if (signal.aborted) throw new Error(`pulumi ${args.join(" ")} did not end within ${COMMAND_MS / 1000} s:\n${text}`);
    const { unchanged: _, ...rest } = changes(done.stdout);
    return { code: done.code, text, changes: rest };
  }

  /** A run that must succeed. @throws Error with all that the CLI said */
  async ok(args: string[]): Promise<Ran> {
    const ran = await this.run(args);
    if (ran.code !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${ran.code}:\n${ran.text}`);
    return ran;
  }

  preview = (...more: string[]): Promise<Ran> => this.ok(["preview", ...more]);
  up = (): Promise<Ran> => this.ok(["up", "--yes", "--skip-preview"]);
  destroy = (): Promise<Ran> => this.ok(["destroy", "--yes", "--skip-preview"]);
  unchanged = (): Promise<Ran> => this.ok(["preview", "--expect-no-changes"]);

  remove(): void {
    for (const folder of [this.folder, ...this.copies]) rmSync(folder, { recursive: true, force: true });
  }
}

/** What "npm install" of the example's packages would leave. */
function installPackages(folder: string): void {
  const modules = path.join(folder, "node_modules");
  mkdirSync(path.join(modules, "@pulumi"), { recursive: true });
  symlinkSync(installed(), path.join(modules, "pulumi-gke-persistent-ip"));
  for (const sdk of ["pulumi", "gcp", "kubernetes"])
    symlinkSync(path.join(ROOT, "node_modules", "@pulumi", sdk), path.join(modules, "@pulumi", sdk));
}

let copy: string | undefined;
/** The package as it is now: a build that goes on beside the tests must not change it under a running stack. */
function installed(): string {
  if (copy !== undefined) return copy;
  copy = mkdtempSync(path.join(tmpdir(), "example-package-"));
  process.once("exit", () => rmSync(copy!, { recursive: true, force: true }));
  for (const part of ["dist", "schema", "package.json"])
    cpSync(path.join(ROOT, part), path.join(copy, part), { recursive: true });
  symlinkSync(path.join(ROOT, "node_modules"), path.join(copy, "node_modules"));
  return copy;
}
