// SPDX-License-Identifier: Apache-2.0
// The package as npm would publish it, packed once a run: from a copy of what it needs, so that a build beside the tests cannot change it.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { ROOT } from "../../sandbox/demo";
import { runOk } from "../support/clients";

/** What the package's manifest has to say for all that is shipped; package.json says it, or this suite fails and names the line. */
export interface Manifest {
  name: string;
  version: string;
  bin?: Record<string, string>;
  files: string[];
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
}
export interface Packed {
  /** The tarball. */
  file: string;
  /** Bytes: of the tarball and unpacked. */
  size: number;
  unpackedSize: number;
  /** Paths in the package. */
  files: { path: string; size: number }[];
}

const SOURCES = ["bin", "components", "controller", "policy", "provider", "sandbox", "schema", "scripts", "examples"];
const FILES = [
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "tsconfig.build.json",
  "LICENSE",
  "README.md",
  "CHANGELOG.md",
];

export const manifest = (): Manifest => JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")) as Manifest;

let made: Promise<Packed> | undefined;
let folder: string | undefined;
export const packed = (): Promise<Packed> => (made ??= pack());

async function pack(): Promise<Packed> {
  folder = mkdtempSync(path.join(tmpdir(), "pack-"));
  const copy = path.join(folder, "package");
  mkdirSync(copy);
  for (const part of [...SOURCES, ...FILES])
    if (existsSync(path.join(ROOT, part))) cpSync(path.join(ROOT, part), path.join(copy, part), { recursive: true });
  symlinkSync(path.join(ROOT, "node_modules"), path.join(copy, "node_modules"));
  const text = await runOk("npm", ["pack", "--json", "--pack-destination", folder], { cwd: copy, timeoutMs: 200_000 });
  const answer = JSON.parse(text.slice(text.indexOf("[\n"))) as [Omit<Packed, "file"> & { filename: string }];
  const [{ filename, size, unpackedSize, files }] = answer;
  return { file: path.join(folder, filename), size, unpackedSize, files };
}

/** Removes what `packed` made. */
export function unpack(): void {
  if (folder) rmSync(folder, { recursive: true, force: true });
  made = undefined;
}

/** A user's project with the tarball installed: unpacked, and the declared dependencies beside it, as "npm install" would lay them. */
export async function consumer(o: { typescript?: string } = {}): Promise<string> {
  const { file } = await packed();
  const project = mkdtempSync(path.join(tmpdir(), "consumer-"));
  const modules = path.join(project, "node_modules");
  mkdirSync(path.join(modules, "@pulumi"), { recursive: true });
  const home = path.join(modules, "pulumi-gke-persistent-ip");
  mkdirSync(home);
  await runOk("tar", ["xzf", file, "-C", home, "--strip-components=1"]);
  for (const name of Object.keys(manifest().dependencies))
    symlinkSync(path.join(ROOT, "node_modules", name), path.join(modules, name));
  if (o.typescript) symlinkSync(o.typescript, path.join(modules, "typescript"));
  writeFileSync(path.join(project, "package.json"), '{"name":"shop","private":true}');
  return project;
}
