// SPDX-License-Identifier: Apache-2.0
// What goes into an image: programs of this machine with the libraries that they load, and scripts of ours.
import { access, constants } from "node:fs/promises";
import { readlinkSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { runCommand } from "../vpc/namespace";

/** A file of this machine and its place in the image. */
export interface Item {
  from: string;
  to: string;
}

/** Finds a program on PATH or in the folders where administrators' programs are. */
export async function programPath(name: string, env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const folders = [...(env["PATH"] ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"];
  for (const folder of folders) {
    const file = join(folder, name);
    if (folder !== "" && (await access(file, constants.X_OK).then(yes, no))) return file;
  }
  return undefined;
}

const yes = (): boolean => true;
const no = (): boolean => false;

/** A program at `to`, and every library that the loader says it needs, each at its own path. */
export async function withLibraries(program: string, to: string): Promise<Item[]> {
  const from = realpathSync(program);
  // A static program makes ldd fail: it needs nothing.
  const said = await runCommand("ldd", [from]).catch(() => "");
  const libraries = [...said.matchAll(/(?:=> )?(\/[^ ]+) \(0x/g)].map(([, path = ""]) => path);
  return [{ from, to }, ...libraries.map((path) => ({ from: resolved(path), to: path }))];
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return readlinkSync(path);
  }
}
