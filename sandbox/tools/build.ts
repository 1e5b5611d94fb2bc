// SPDX-License-Identifier: Apache-2.0
// Builds missing programs with the Go tool from the pinned modules in this folder. Everything is made in a folder beside its
// destination and renamed into place when whole, so an interrupted build leaves nothing that looks finished.
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import type { Progress, ProgressSink } from "./progress";
import { CRDS, type Script, type ToolSpec } from "./table";

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
  const parts = modules.map((module) => ({ module, packages: specs.filter((s) => s.module === module).map((s) => s.goPackage) }));
  const report = (progress: Omit<Progress, "elapsedMs">): void =>
    context.progress({ ...progress, elapsedMs: context.now() - started });
  try {
    const total = await countPackages(context, parts, report);
    const step = { step: "building tools", total, unit: "packages" };
    let done = 0;
    const count = (line: string): void => {
      if (isPackageLine(line)) report({ ...step, done: ++done });
    };
    for (const { module, packages } of parts) {
      const flags = ["install", "-v", "-trimpath", "-ldflags", await linkerFlags(context.source, module)];
      await go(context, [...flags, ...packages], { module, env: { GOBIN: gobin } }, count);
    }
    const bin = join(context.cache, "bin");
    for (const { module, script } of specs) {
      if (!script) continue;
      const file = await copyScript(context, module, script, gobin);
      await rename(file, join(bin, basename(file)));
    }
    for (const spec of specs) await rename(join(gobin, spec.builtAs ?? spec.binary), join(bin, spec.binary));
    report({ ...step, done, finished: true });
  } finally {
    await rm(gobin, { recursive: true, force: true });
  }
}

interface Part {
  module: string;
  packages: string[];
}

/** Fetches the sources as a side effect. What the Go cache holds already is counted too, so a build may end below the total. */
async function countPackages(
  context: BuildContext,
  parts: Part[],
  report: (p: Omit<Progress, "elapsedMs">) => void,
): Promise<number> {
  let total = 0;
  let fetched = 0;
  for (const { module, packages } of parts) {
    const lines = await go(context, ["list", "-deps", ...packages], { module }, (line) => {
      if (line.startsWith("go: downloading")) report({ step: "fetching sources", done: ++fetched, unit: "modules" });
    });
    total += lines.length;
  }
  return total;
}

/** Copies the CRD manifests out of the module cache into `<cache>/crds`, so that Go is not needed afterwards. @throws ToolsBuildError */
export async function copyCrds(context: BuildContext): Promise<void> {
  const staging = await mkdtemp(join(context.cache, ".crds-"));
  try {
    for (const source of Object.values(CRDS)) await copyModuleCrds(context, source, join(staging, source.folder));
    await rm(join(context.cache, "crds"), { recursive: true, force: true });
    await rename(staging, join(context.cache, "crds"));
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function copyModuleCrds(context: BuildContext, source: (typeof CRDS)[keyof typeof CRDS], to: string): Promise<void> {
  await go(context, ["mod", "download", source.module], { module: "." });
  const [folder = ""] = await go(context, ["list", "-m", "-f", "{{.Dir}}", source.module], { module: "." });
  const from = join(folder, source.path);
  const files: readonly string[] = source.files ?? (await readdir(from)).filter(isCrd);
  await mkdir(to, { recursive: true });
  // Read and written anew: the module cache is read-only, and so would be its copy.
  await Promise.all(files.map(async (file) => writeFile(join(to, file), await readFile(join(from, file)))));
}

/** A script that a program starts and looks for in its own folder. Go installs programs only. */
async function copyScript(context: BuildContext, module: string, script: Script, to: string): Promise<string> {
  const [folder = ""] = await go(context, ["list", "-m", "-f", "{{.Dir}}", script.module], { module });
  const file = join(to, basename(script.path));
  await writeFile(file, await readFile(join(folder, script.path)), { mode: 0o755 });
  return file;
}

/** Linker flags that give the programs their real version: without them Kubernetes calls itself v0.0.0. */
export async function linkerFlags(source: string, module = "."): Promise<string> {
  const gomod = await readFile(join(source, "go.mod"), "utf8");
  const kubernetes = requiredVersion(gomod, "k8s.io/kubernetes");
  const own = await readFile(join(source, module, "go.mod"), "utf8");
  const sdk = "github.com/pulumi/pulumi/sdk/v3";
  const pulumi = requiredVersion(own.includes(sdk) ? own : gomod, sdk);
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
  args: string[],
  where: { module: string; env?: Record<string, string> },
  onLine: (line: string) => void = () => undefined,
): Promise<string[]> {
  const cwd = join(context.source, where.module);
  const child = spawn(context.go, args, { cwd, env: goEnv(where.env ?? {}), stdio: ["ignore", "pipe", "pipe"] });
  const killed = (): void => void child.kill("SIGTERM");
  process.once("exit", killed);
  const out: string[] = [];
  const tail: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => out.push(line));
  createInterface({ input: child.stderr }).on("line", (line) => {
    onLine(line);
    if (!isPackageLine(line) && tail.push(line) > 20) tail.shift();
  });
  const end = await new Promise<string>((done, fail) =>
    child.once("error", fail).once("close", (code, signal) => done(signal ?? String(code))),
  );
  process.removeListener("exit", killed);
  if (end !== "0") throw new ToolsBuildError(`go ${args[0]} ended with ${end}:\n${tail.join("\n")}`);
  return out;
}
