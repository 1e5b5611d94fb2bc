// SPDX-License-Identifier: Apache-2.0
// The door of this room: container images made on the spot, without docker and without a registry, from this machine's own busybox, node, ip
// and nft. Kept in the user's cache, named by what is in them.
import { createHash } from "node:crypto";
import { existsSync, realpathSync, statSync } from "node:fs";
import { chmod, copyFile, cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { runCommand } from "../vpc/namespace";
import { scriptText } from "../vpc/script";
import { programPath, withLibraries, type Item } from "./content";
import { packImage } from "./oci";

export { programPath } from "./content";

/** What every Pod's own infrastructure container runs. */
export const PAUSE_IMAGE = "sandbox.local/pause:1";
/** node, ip, nft, a shell, and the workload: for the controller, the node agent and the demonstration's Pods alike. */
export const SANDBOX_IMAGE = "sandbox.local/sandbox:1";
/** Where the workload lies in {@link SANDBOX_IMAGE}. */
export const WORKLOAD = "/app/hello.js";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const FOLDERS = ["bin", "tmp", "etc", "proc", "sys", "dev", "root", "run", "var/run", "app"];
const FORMAT = "1";

/** A program that the image is made of is not on this machine. */
export class ImageError extends Error {
  readonly code = "ImagePartMissing";
  readonly retry = false;
}

/** Tar files of both images, made where they are not in the cache. @throws ImageError */
export async function ensureImages(env: NodeJS.ProcessEnv = process.env): Promise<{ pause: string; sandbox: string }> {
  const [pause, sandbox] = await Promise.all([
    ensureImage({ ref: PAUSE_IMAGE, entrypoint: ["/bin/sleep", "infinity"], programs: {}, scripts: {} }, env),
    ensureImage(
      {
        ref: SANDBOX_IMAGE,
        entrypoint: ["node", WORKLOAD],
        programs: { "/usr/local/bin/node": process.execPath, "/usr/sbin/ip": "ip", "/usr/sbin/nft": "nft" },
        scripts: { [WORKLOAD]: join(__dirname, "hello.ts") },
      },
      env,
    ),
  ]);
  return { pause, sandbox };
}

/** What an image is made of, besides busybox. */
export interface Recipe {
  ref: string;
  entrypoint: string[];
  /** Place in the image to a path or a name on PATH. */
  programs: Record<string, string>;
  /** Place in the image to a TypeScript file. */
  scripts: Record<string, string>;
  /** Folders of this machine that are wanted at the same place. */
  folders?: string[];
  /** Place in the image to a file of this machine. */
  files?: Record<string, string>;
}

/** Tar file of an image, made where it is not in the cache. @throws ImageError */
export async function ensureImage(recipe: Recipe, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const busybox = await found("busybox", env);
  const programs = await Promise.all(
    Object.entries(recipe.programs).map(async ([to, name]) => withLibraries(await found(name, env), to)),
  );
  const files = Object.entries(recipe.files ?? {}).map(([to, from]) => ({ from, to }));
  const items: Item[] = [{ from: realpathSync(busybox), to: "/bin/busybox" }, ...programs.flat(), ...files];
  const scripts = Object.entries(recipe.scripts).map(([to, source]) => ({ to, text: scriptText(source) }));
  const cache = join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "gke-persistent-ip", "images");
  const file = join(cache, `${keyOf(recipe, items, scripts)}.tar`);
  if (existsSync(file)) return file;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, ".making-"));
  try {
    const root = join(work, "root");
    await fill(root, items, scripts);
    for (const folder of recipe.folders ?? []) await cp(folder, join(root, folder), { recursive: true, dereference: true });
    await packImage(root, file, { ref: recipe.ref, entrypoint: recipe.entrypoint, path: PATH }, work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return file;
}

async function found(name: string, env: NodeJS.ProcessEnv): Promise<string> {
  const path = name.startsWith("/") ? name : await programPath(name, env);
  if (path === undefined) throw new ImageError(`${name} is not on this machine; the sandbox's images are made of it`);
  return path;
}

async function fill(root: string, items: readonly Item[], scripts: readonly { to: string; text: string }[]): Promise<void> {
  for (const folder of FOLDERS) await mkdir(join(root, folder), { recursive: true });
  await chmod(join(root, "tmp"), 0o1777);
  for (const { from, to } of items) {
    await mkdir(dirname(join(root, to)), { recursive: true });
    await copyFile(from, join(root, to));
  }
  const applets = (await runCommand(join(root, "bin/busybox"), ["--list"]))
    .split("\n")
    .filter((name) => /^[a-z0-9[\]_-]+$/i.test(name));
  for (const name of applets) if (name !== "busybox") await symlink("busybox", join(root, "bin", name));
  for (const { to, text } of scripts) await writeFile(join(root, to), text);
  await writeFile(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nnobody:x:65532:65532:nobody:/:/bin/false\n");
}

function keyOf(recipe: Recipe, items: readonly Item[], scripts: readonly { to: string; text: string }[]): string {
  const facts = items.map(({ from, to }) => {
    const { size, mtimeMs } = statSync(from);
    return [from, to, size, mtimeMs];
  });
  const text = JSON.stringify([FORMAT, recipe.ref, recipe.entrypoint, facts, scripts, recipe.folders ?? []]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
