// SPDX-License-Identifier: Apache-2.0
// Builds missing programs with the Go tool from the pinned modules in this folder. Everything is made in a folder beside its
// destination and renamed into place when whole, so an interrupted build leaves nothing that looks finished.
import { execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { ProgressSink } from "./progress";
import { CRDS, type ToolSpec } from "./table";

const run = promisify(execFile);

/** A build that failed; the message carries the last lines of the Go tool. */
export class ToolsBuildError extends Error {
  readonly code = "ToolsBuildFailed";
  readonly retry = false;
}

export interface BuildContext {
  /** Folder of go.mod (sandbox/tools). */
  source: string;
  /** Cache folder of this pin. */
  cache: string;
  go: string;
  progress: ProgressSink;
  now: () => number;
}

/** Builds the given programs into `<cache>/bin`. @throws ToolsBuildError */
export async function buildTools(specs: readonly ToolSpec[], context: BuildContext): Promise<void> {
  const started = context.now();
  await mkdir(join(context.cache, "bin"), { recursive: true });
  const gobin = await mkdtemp(join(context.cache, ".build-"));
  const modules = [...new Set(specs.map((spec) => spec.module))];
  const plan = modules.map((module) => ({ module, specs: specs.filter((spec) => spec.module === module) }));
  let total = 0;
  const report = (step: string, done: number | undefined, unit: string): void =>
    context.progress({ step, done, total: total || undefined, unit, elapsedMs: context.now() - started });
  try {
    let downloaded = 0;
    for (const part of plan) {
      const args = ["list", "-deps", ...part.specs.map((spec) => spec.goPackage)];
      const lines = await go(context, part.module, args, {}, (line) => {
        if (line.startsWith("go: downloading")) report("fetching sources", ++downloaded, "modules");
      });
      total += lines.length;
    }
    let done = 0;
    const flags = ["install", "-v", "-trimpath", "-ldflags", await linkerFlags(context.source)];
    for (const part of plan) {
      await go(context, part.module, [...flags, ...part.specs.map((spec) => spec.goPackage)], { GOBIN: gobin }, (line) => {
        if (isPackageLine(line)) report("building tools", ++done, "packages");
      });
    }
    for (const spec of specs) await rename(join(gobin, spec.builtAs ?? spec.binary), join(context.cache, "bin", spec.binary));
    context.progress({
      step: "building tools",
      done,
      total,
      unit: "packages",
      elapsedMs: context.now() - started,
      finished: true,
    });
  } finally {
    await rm(gobin, { recursive: true, force: true });
  }
}

/** Copies the CRD manifests out of the module cache into `<cache>/crds`, so that Go is not needed afterwards. @throws ToolsBuildError */
export async function copyCrds(context: BuildContext): Promise<void> {
  const staging = await mkdtemp(join(context.cache, ".crds-"));
  try {
    for (const { folder, module, path, files } of Object.values(CRDS)) {
      await go(context, ".", ["mod", "download", module], {}, () => undefined);
      const { stdout } = await run(context.go, ["list", "-m", "-f", "{{.Dir}}", module], { cwd: context.source, env: goEnv({}) });
      const from = join(stdout.trim(), path);
      const to = join(staging, folder);
      await mkdir(to, { recursive: true });
      if (files === undefined) await cp(from, to, { recursive: true, filter: (file) => file === from || isCrd(file) });
      else for (const file of files) await cp(join(from, file), join(to, file));
      await run("chmod", ["-R", "u+w", to]); // the module cache is read-only, and so would be its copy
    }
    await rm(join(context.cache, "crds"), { recursive: true, force: true });
    await rename(staging, join(context.cache, "crds"));
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Linker flags that give the programs their real version: without them Kubernetes calls itself v0.0.0. */
export async function linkerFlags(source: string): Promise<string> {
  const gomod = await readFile(join(source, "go.mod"), "utf8");
  const kubernetes = requiredVersion(gomod, "k8s.io/kubernetes");
  const pulumi = requiredVersion(gomod, "github.com/pulumi/pulumi/pkg/v3");
  const [major, minor] = kubernetes.slice(1).split(".");
  const base = "k8s.io/component-base/version";
  const stamps = [
    `${base}.gitVersion=${kubernetes}`,
    `${base}.gitMajor=${major}`,
    `${base}.gitMinor=${minor}`,
    `${base}.gitTreeState=clean`,
    `github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${pulumi}`,
  ];
  return ["-s", "-w", ...stamps.map((stamp) => `-X ${stamp}`)].join(" ");
}

/** Version of a module in the text of a go.mod. @throws ToolsBuildError */
export function requiredVersion(gomod: string, module: string): string {
  const escaped = module.replace(/[.]/g, "\\.");
  const match = new RegExp(`^\\s*(?:require\\s+)?${escaped}\\s+(v\\S+)`, "m").exec(gomod);
  if (!match?.[1]) throw new ToolsBuildError(`go.mod: module ${module} is not required there`);
  return match[1];
}

/** `go install -v` prints the path of each package it compiles; everything else has a blank or a `#` in it. */
export function isPackageLine(line: string): boolean {
  return /^[\w.\-~/]+$/.test(line);
}

function isCrd(file: string): boolean {
  return file.endsWith(".yaml") && !file.endsWith("kustomization.yaml");
}

function goEnv(extra: Record<string, string>): NodeJS.ProcessEnv {
  return { ...process.env, CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off", ...extra };
}

/** Runs the Go tool, answers its stdout lines, hands each stderr line on. */
async function go(
  context: BuildContext,
  module: string,
  args: string[],
  env: Record<string, string>,
  onLine: (line: string) => void,
): Promise<string[]> {
  const child = spawn(context.go, args, {
    cwd: join(context.source, module),
    env: goEnv(env),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const killed = (): void => void child.kill("SIGTERM");
  process.once("exit", killed);
  const out: string[] = [];
  const tail: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => out.push(line));
  createInterface({ input: child.stderr }).on("line", (line) => {
    onLine(line);
    if (tail.push(line) > 20) tail.shift();
  });
  const code = await new Promise<number | null>((done, fail) => child.once("error", fail).once("close", done));
  process.removeListener("exit", killed);
  if (code !== 0) throw new ToolsBuildError(`go ${args[0]} ended with ${code}:\n${tail.join("\n")}`);
  return out;
}
