// SPDX-License-Identifier: Apache-2.0
// Looks for one program in the folders where it may be: the folder named by KUBEBUILDER_ASSETS, PATH, our cache. Each program
// is looked for by itself, so a kubectl of the machine can go with an API server of ours.
import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { accepted, parseVersion, type ToolSpec } from "./table";

const run = promisify(execFile);

export interface Places {
  assets?: string;
  path: string[];
  /** Cache folder with the binaries that we built. */
  cacheBin: string;
}

/** Places from environment variables. */
export function placesOf(env: NodeJS.ProcessEnv, cacheBin: string): Places {
  return {
    assets: env["KUBEBUILDER_ASSETS"] ? resolve(env["KUBEBUILDER_ASSETS"]) : undefined,
    path: (env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== ""),
    cacheBin,
  };
}

/** Absolute path of the program, or undefined. The order is the documented one: assets, PATH (if its version will do), cache. */
export async function findTool(spec: ToolSpec, places: Places): Promise<string | undefined> {
  if (places.assets !== undefined) {
    const chosen = join(places.assets, spec.binary);
    if (await executable(chosen)) return chosen;
  }
  for (const folder of places.path) {
    const candidate = resolve(folder, spec.binary);
    if ((await executable(candidate)) && (await versionWillDo(spec, candidate))) return candidate;
  }
  const built = join(places.cacheBin, spec.binary);
  return (await executable(built)) ? built : undefined;
}

/** Whether the file exists and may be run. */
export async function executable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function versionWillDo(spec: ToolSpec, file: string): Promise<boolean> {
  try {
    const { stdout, stderr } = await run(file, spec.versionArgs, { timeout: 15_000 });
    const version = parseVersion(stdout || stderr);
    return version !== undefined && accepted(spec, version);
  } catch {
    return false; // a program that cannot tell its version is not one to build a test bed on
  }
}
