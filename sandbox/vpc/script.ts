// SPDX-License-Identifier: Apache-2.0
// Small programs of ours that run where ts-node does not: in namespaces, in Pods, as a CNI plug-in. Types are taken off, nothing else.
import { transformSync } from "esbuild";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** JavaScript of one of our scripts. */
export function scriptText(source: string): string {
  return transformSync(readFileSync(source, "utf8"), { loader: "ts", format: "cjs", target: "node20" }).code;
}

/** Writes a script to `<folder>/<name>.js` and answers that path. With `interpreter` the file can be run by itself. */
export function writeScript(source: string, folder: string, options: { interpreter?: string; name?: string } = {}): string {
  const file = join(folder, options.name ?? `${basename(source, ".ts")}.js`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${options.interpreter ? `#!${options.interpreter}\n` : ""}${scriptText(source)}`);
  if (options.interpreter) chmodSync(file, 0o755);
  return file;
}
