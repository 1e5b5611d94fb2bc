// SPDX-License-Identifier: Apache-2.0
// The door of this room: gives the absolute paths of the programs and CRD manifests that the sandbox needs, from
// KUBEBUILDER_ASSETS, from PATH, from the cache, or built once. Which of these applies is decided for each program by itself.
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { buildTools, copyCrds, requiredVersion, type BuildContext } from "./build";
import { executable, findTool, placesOf } from "./find";
import { withLock } from "./lock";
import type { ProgressSink } from "./progress";
import { CRDS, TOOLS, type Group, type ToolKey, type ToolSpec } from "./table";

export { progressText, durationText, type Progress, type ProgressSink } from "./progress";
export { ToolsBuildError } from "./build";
export type { Group, ToolKey } from "./table";

/** Absolute paths. A program of a group that was not asked for may be missing: its path is then an empty string. */
export type Tools = Record<ToolKey, string> & {
  crds: {
    /** Folder with the standard channel of Gateway API. */
    gatewayApi: string;
    /** Manifests of Network, GKENetworkParamSet and NetworkInterface. */
    network: string[];
  };
};

export interface EnsureToolsOptions {
  progress?: ProgressSink;
  /** Default: kubernetes and pulumi. */
  need?: Group[];
  env?: NodeJS.ProcessEnv;
}

/** Programs are missing and there is no Go to build them with. */
export class ToolsMissingError extends Error {
  readonly code = "ToolsMissing";
  readonly retry = false;
  constructor(
    readonly missing: string[],
    goVersion: string,
  ) {
    super(
      `the sandbox needs ${missing.join(", ")}, found neither in KUBEBUILDER_ASSETS, nor on PATH, nor in the cache, and there is no Go to build them.\n` +
        `Two ways out: (1) install Go ${goVersion} or newer (https://go.dev/dl) and start again, the build takes about 7 minutes once; ` +
        `(2) set KUBEBUILDER_ASSETS, or PATH, to a folder that has them (CRD manifests in its sub-folders crds/${CRDS.gatewayApi.folder} and crds/${CRDS.network.folder}).`,
    );
    this.name = "ToolsMissingError";
  }
}

const SOURCE = __dirname;

/** Folder where the programs of the pinned versions are kept: named by a hash of the Go pins and of the platform. */
export async function cacheFolder(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum", "kwok/go.mod", "kwok/go.sum"]) hash.update(await readFile(join(SOURCE, file)));
  hash.update(`${process.platform}/${process.arch}`);
  const base = env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(base, "gke-persistent-ip", "tools", hash.digest("hex").slice(0, 16));
}

/**
 * Finds, and where needed builds, the programs of the asked groups.
 * @throws ToolsMissingError when something is missing and there is no Go
 * @throws ToolsBuildError when the Go build fails
 */
export async function ensureTools(options: EnsureToolsOptions = {}): Promise<Tools> {
  const env = options.env ?? process.env;
  const need = options.need ?? ["kubernetes", "pulumi"];
  const cache = await cacheFolder(env);
  const specs = TOOLS.filter((spec) => need.includes(spec.group));
  const first = await look(specs, cache, env, need);
  if (first.complete) return first.tools;
  const go = await findGo(env);
  if (go === undefined) throw new ToolsMissingError(first.missing, await goVersion());
  const progress = options.progress ?? (() => undefined);
  const started = Date.now();
  return withLock(
    join(cache, ".lock"),
    async () => {
      const context: BuildContext = { source: SOURCE, cache, go, progress, now: Date.now };
      const again = await look(specs, cache, env, need); // another sandbox may have built meanwhile
      if (again.crdsMissing) await copyCrds(context);
      if (again.toBuild.length > 0) await buildTools(again.toBuild, context);
      return (await look(specs, cache, env, need)).tools;
    },
    {
      onWait: (pid) => progress({ step: `waiting for process ${pid}, which builds the tools`, elapsedMs: Date.now() - started }),
    },
  );
}

/** Same, but undefined and the reason instead of an error or a build: for test suites that skip. */
export async function findTools(need?: Group[], env = process.env): Promise<{ tools: Tools } | { missing: string[] }> {
  const groups = need ?? ["kubernetes", "pulumi"];
  const specs = TOOLS.filter((spec) => groups.includes(spec.group));
  const found = await look(specs, await cacheFolder(env), env, groups);
  return found.complete ? { tools: found.tools } : { missing: found.missing };
}

interface Found {
  tools: Tools;
  toBuild: ToolSpec[];
  crdsMissing: boolean;
  missing: string[];
  complete: boolean;
}

async function look(specs: readonly ToolSpec[], cache: string, env: NodeJS.ProcessEnv, need: Group[]): Promise<Found> {
  const places = placesOf(env, join(cache, "bin"));
  const paths = await Promise.all(specs.map((spec) => findTool(spec, places)));
  const crds = need.includes("kubernetes") ? await findCrds([places.assets, cache]) : { gatewayApi: "", network: [] };
  const toBuild = specs.filter((_, i) => paths[i] === undefined);
  const missing = toBuild.map((spec) => spec.binary).concat(crds ? [] : ["the CRD manifests"]);
  const tools = Object.fromEntries(TOOLS.map((spec) => [spec.key, paths[specs.indexOf(spec)] ?? ""])) as Record<ToolKey, string>;
  return {
    tools: { ...tools, crds: crds ?? { gatewayApi: "", network: [] } },
    toBuild,
    crdsMissing: crds === undefined,
    missing,
    complete: missing.length === 0,
  };
}

async function findCrds(roots: (string | undefined)[]): Promise<Tools["crds"] | undefined> {
  for (const root of roots) {
    if (root === undefined) continue;
    const gatewayApi = join(root, "crds", CRDS.gatewayApi.folder);
    const folder = join(root, "crds", CRDS.network.folder);
    const [gateway, network] = await Promise.all([yamlIn(gatewayApi), yamlIn(folder)]);
    if (gateway.length > 0 && network.length > 0) return { gatewayApi, network: network.map((file) => join(folder, file)) };
  }
  return undefined;
}

async function yamlIn(folder: string): Promise<string[]> {
  return readdir(folder).then(
    (files) => files.filter((file) => file.endsWith(".yaml")).sort(),
    () => [],
  );
}

async function findGo(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const folder of placesOf(env, "").path) {
    const file = join(folder, "go");
    if (await executable(file)) return file;
  }
  return undefined;
}

async function goVersion(): Promise<string> {
  const gomod = await readFile(join(SOURCE, "go.mod"), "utf8");
  return /^go (\S+)/m.exec(gomod)?.[1] ?? requiredVersion(gomod, "go");
}
