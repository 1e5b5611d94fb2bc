// SPDX-License-Identifier: Apache-2.0
// Loads the code under test with a mutant's patches in it. The work tree is not touched: the text is changed between reading and compiling.
import { readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import type { Mutant, Patch } from "./list";

export const ROOT = path.resolve(__dirname, "../../..");
type Load = (module: { _compile(code: string, file: string): void }, file: string) => void;
const compiled = new Map<string, string>();

/** @throws Error where the text to change is not there exactly once: the code has moved on, and the mutant must follow */
export function patched(text: string, { file, from, to }: Patch): string {
  const found = text.split(from).length - 1;
  if (found !== 1) throw new Error(`${file}: ${JSON.stringify(from)} is there ${found} times, not once`);
  return text.replace(from, () => to);
}
const compile = (text: string): string =>
  ts.transpileModule(text, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true },
  }).outputText;

/** Loads a file of this project, and everything of this project below it, anew and with the patches. */
export function loadMutated<T>(file: string, mutant: Pick<Mutant, "patches">): T {
  const changed = new Map<string, string>();
  for (const patch of mutant.patches) {
    const where = path.join(ROOT, patch.file);
    changed.set(where, patched(changed.get(where) ?? readFileSync(where, "utf8"), patch));
  }
  for (const key of Object.keys(require.cache))
    if (key.startsWith(ROOT) && !key.includes("node_modules")) delete require.cache[key];
  const before = require.extensions[".ts"];
  const load: Load = (module, name) => {
    const text = changed.get(name);
    if (text !== undefined) return module._compile(compile(text), name);
    let code = compiled.get(name);
    if (code === undefined) compiled.set(name, (code = compile(readFileSync(name, "utf8"))));
    module._compile(code, name);
  };
  require.extensions[".ts"] = load as unknown as NodeJS.RequireExtensions[".ts"];
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded anew through the hook above; an import is bound once
    return require(file) as T;
  } finally {
    require.extensions[".ts"] = before;
  }
}
