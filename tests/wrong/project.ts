// SPDX-License-Identifier: Apache-2.0
// A user's own Pulumi project in plain JavaScript, which has this package from a registry as far as it can tell: no compiler stands before a mistake.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { ROOT } from "../../sandbox/demo";
import { runPulumi } from "../../sandbox/pulumi";
import type { World } from "../../sandbox/world/world";

/** No command here takes a tenth of it; a program that hangs is a failure, not a wait. */
const HANGS_MS = 60_000;

export interface Ran {
  code: number;
  text: string;
  /** What follows "Diagnostics:", without the trailer. */
  diagnostics: string;
  /** Messages of severity error, whole, each once. */
  errors: string[];
  ms: number;
}

export class Project {
  private constructor(
    private readonly world: World,
    readonly folder: string,
  ) {}

  /** @param name of the Pulumi project; each has a state of its own */
  static async create(world: World, name = "shop"): Promise<Project> {
    const folder = mkdtempSync(path.join(tmpdir(), "wrong-"));
    const modules = path.join(folder, "node_modules");
    mkdirSync(path.join(modules, "@pulumi"), { recursive: true });
    symlinkSync(ROOT, path.join(modules, "pulumi-gke-persistent-ip"));
    for (const sdk of ["pulumi", "gcp"])
      symlinkSync(path.join(ROOT, "node_modules", "@pulumi", sdk), path.join(modules, "@pulumi", sdk));
    writeFileSync(path.join(folder, "Pulumi.yaml"), `name: ${name}\nruntime: nodejs\n`);
    writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name, main: "index.js" }));
    const project = new Project(world, folder);
    for (const args of [
      ["stack", "init", "dev"],
      ["config", "set", "gcp:project", world.project],
    ]) {
      const ran = await project.run(args);
      if (ran.code !== 0) throw new Error(ran.text);
    }
    return project;
  }

  program(text: string): void {
    writeFileSync(path.join(this.folder, "index.js"), text);
  }

  async run(args: string[]): Promise<Ran> {
    const started = Date.now();
    const signal = AbortSignal.timeout(HANGS_MS);
    const done = await runPulumi(this.world.engine, [...args, "--non-interactive"], { cwd: this.folder, signal });
    const text = done.stdout + done.stderr;
    if (signal.aborted) throw new Error(`pulumi ${args.join(" ")} did not end within ${HANGS_MS / 1000} s:\n${text}`);
    const diagnostics = /^Diagnostics:\n([\s\S]*?)(?:^Resources:|(?![\s\S]))/m.exec(text)?.[1] ?? "";
    return { code: done.code, text, diagnostics, errors: errorsIn(diagnostics), ms: Date.now() - started };
  }

  /** Deploys as a script does that skips the preview: what is wrong must be stopped by the update itself. */
  up(): Promise<Ran> {
    return this.run(["up", "--yes", "--skip-preview"]);
  }
  preview(...more: string[]): Promise<Ran> {
    return this.run(["preview", ...more]);
  }

  /** What a program of several wrong ones was told. */
  said(): string[] {
    return JSON.parse(readFileSync(path.join(this.folder, "said.json"), "utf8")) as string[];
  }

  /** Types of what the stack has. */
  async state(): Promise<string[]> {
    const { text } = await this.run(["stack", "export"]);
    const { deployment } = JSON.parse(text) as { deployment: { resources?: { type: string }[] } };
    return (deployment.resources ?? []).map((r) => r.type);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The engine indents a message of several lines; an empty line or another message ends it. */
function errorsIn(diagnostics: string): string[] {
  const found = [...diagnostics.matchAll(/^ {4}error: ([\s\S]*?)(?=^ {4}\w+: |^\s*$|(?![\s\S]))/gm)];
  return found.map(([, message]) => message!.trimEnd()).filter((m) => !/^(update|preview) failed$/.test(m));
}
