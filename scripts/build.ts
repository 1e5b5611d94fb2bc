// SPDX-License-Identifier: Apache-2.0
// Builds what the package ships: the compiled components, and the controller as one Brotli file whose hash names it.
// `--if-needed`: nothing is done where no source is newer than the last build.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { build, buildSync } from "esbuild";
import { slim } from "./slim";

const root = path.resolve(__dirname, "..");
const out = path.join(root, "dist");
const folder = path.join(out, "bundle");
// Written last: a build that was interrupted is no build.
const stamp = path.join(out, ".built");

function newest(folder: string): number {
  let latest = 0;
  for (const entry of fs.readdirSync(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile() && entry.name.endsWith(".ts"))
      latest = Math.max(latest, fs.statSync(path.join(entry.parentPath, entry.name)).mtimeMs);
  return latest;
}
function upToDate(): boolean {
  if (!fs.existsSync(stamp)) return false;
  const inputs = ["package-lock.json", "tsconfig.build.json", "scripts/build.ts", "scripts/slim.ts"].map(
    (f) => fs.statSync(path.join(root, f)).mtimeMs,
  );
  return (
    Math.max(...["components", "controller", "provider", "policy"].map((f) => newest(path.join(root, f))), ...inputs) <
    fs.statSync(stamp).mtimeMs
  );
}

/** Whole or not at all, so that two builds at once cannot mix. */
function replace(file: string, content: string | Uint8Array): void {
  fs.writeFileSync(`${file}.${process.pid}`, content);
  fs.renameSync(`${file}.${process.pid}`, file);
}

/** Size and hash of the bundle; the same sources give the same bytes. */
async function bundle(): Promise<{ sha256: string; bytes: number }> {
  const result = await build({
    entryPoints: [path.join(root, "controller", "main.ts")],
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    minify: true,
    keepNames: true,
    legalComments: "none",
    absWorkingDir: root,
    write: false,
    logLevel: "warning",
    plugins: [slim(root)],
  });
  const packed = brotliCompressSync(result.outputFiles[0]!.contents, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    },
  });
  const manifest = { sha256: createHash("sha256").update(packed).digest("hex"), bytes: packed.length };
  fs.mkdirSync(folder, { recursive: true });
  replace(path.join(folder, "controller.js.br"), packed);
  replace(path.join(folder, "manifest.json"), `${JSON.stringify(manifest)}\n`);
  return manifest;
}

/** Declarations that a program cannot reach say nothing to it, and some name types of SDKs that it may not have: they are not shipped. */
function prune(): void {
  const reached = new Set<string>();
  const visit = (file: string): void => {
    if (reached.has(file) || !fs.existsSync(file)) return;
    reached.add(file);
    for (const [, name] of fs.readFileSync(file, "utf8").matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)) {
      const target = path.resolve(path.dirname(file), name!);
      visit(`${target}.d.ts`);
      visit(path.join(target, "index.d.ts"));
    }
  };
  visit(path.join(out, "components", "index.d.ts"));
  for (const folder of ["components", path.join("controller", "api")])
    for (const name of fs.readdirSync(path.join(out, folder)))
      if (name.endsWith(".d.ts") && !reached.has(path.join(out, folder, name))) fs.rmSync(path.join(out, folder, name));
}

/** What a program loads, as one file: seventy small ones cost more to find and open than to run (tests/bench/consumer.ts). */
function entry(): void {
  const { outputFiles } = buildSync({
    entryPoints: [path.join(root, "components", "index.ts")],
    bundle: true,
    external: ["@pulumi/*"],
    platform: "node",
    target: "node20",
    format: "cjs",
    keepNames: true,
    write: false,
    absWorkingDir: root,
    logLevel: "warning",
  });
  replace(path.join(out, "components", "index.js"), outputFiles[0]!.contents);
}

/** The plugin for other languages: it requires the compiled components beside it. */
function provider(): void {
  buildSync({
    entryPoints: ["index", "provider"].map((f) => path.join(root, "provider", `${f}.ts`)),
    outdir: path.join(out, "provider"),
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "warning",
  });
}

/** The policy pack, as a folder for "pulumi preview --policy-pack". */
function policy(): void {
  const to = path.join(out, "policy");
  const options = { platform: "node", target: "node20", format: "cjs", logLevel: "warning" } as const;
  buildSync({ entryPoints: [path.join(root, "policy", "rules.ts")], outdir: to, ...options });
  for (const file of ["index.js", "PulumiPolicy.yaml", "package.json"])
    fs.copyFileSync(path.join(root, "policy", file), path.join(to, file));
}

async function main(): Promise<void> {
  if (process.argv.includes("--if-needed") && upToDate()) return;
  const started = Date.now();
  const manifest = await bundle();
  execFileSync(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: "inherit",
  });
  prune();
  entry();
  provider();
  policy();
  fs.writeFileSync(stamp, `${manifest.sha256}\n`);
  console.log(
    `built components and controller bundle (${Math.round(manifest.bytes / 1024)} KiB, ${manifest.sha256.slice(0, 12)}) in ${((Date.now() - started) / 1000).toFixed(1)} s`,
  );
}
main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
