// SPDX-License-Identifier: Apache-2.0
// One world for all examples that adopt: a cluster "prod", an address reserved by hand, a prefix of one's own, and the CRDs that GKE has.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { gkeIpRouteCrd } from "../../controller/api";
import { ROOT, untilReady } from "../../sandbox/demo";
import { findTools } from "../../sandbox/tools";
import { startWorld, type World } from "../../sandbox/world/world";
import { Project } from "./project";

export { untilReady };
export const REGION = "us-central1";

export interface Examples {
  world: World;
  /** URL of the delegated prefix. */
  prefix: string;
  project: (example: string, config?: Record<string, string>) => Promise<Project>;
}

let shared: Promise<Examples | { missing: string[] }> | undefined;
const ends: (() => Promise<void> | void)[] = [];

async function open(): Promise<Examples | { missing: string[] }> {
  const found = await findTools();
  if ("missing" in found) return found;
  const dir = mkdtempSync(path.join(tmpdir(), "examples-"));
  ends.push(() => rmSync(dir, { recursive: true, force: true }));
  const crd = path.join(dir, "gkeiproutes.yaml");
  writeFileSync(crd, JSON.stringify(gkeIpRouteCrd()));
  const world = await startWorld({ tools: found.tools, operationLatencyMs: 100, extraCrds: [crd] });
  ends.push(() => world.stop());
  const project = async (example: string, config?: Record<string, string>): Promise<Project> => {
    const made = await Project.create(world, path.join("examples", example), config);
    ends.push(() => made.remove());
    return made;
  };
  return { world, prefix: await base(world, dir), project };
}

/** Opens the world before a suite, once for all files of a run. Answers it inside of tests; skips where the programs are missing. */
export function useExamples(): () => Examples {
  let examples: Examples | undefined;
  before(async function () {
    this.timeout(180_000);
    const found = await (shared ??= open());
    if ("missing" in found) {
      console.log(`      skipped: ${found.missing.join(", ")} not found`);
      return this.skip();
    }
    examples = found;
  });
  return () => examples!;
}

// Registered once, outside of every suite: runs after the last file.
after(async function () {
  this.timeout(60_000);
  await shared?.catch(() => undefined);
  for (const end of ends.reverse()) await end();
});

/** Makes what examples find. Answers the URL of the prefix. */
async function base(world: World, dir: string): Promise<string> {
  const folder = path.join(dir, "base");
  mkdirSync(folder);
  writeFileSync(path.join(folder, "Pulumi.yaml"), "name: base\nruntime: nodejs\nmain: index.ts\n");
  cpSync(path.join(ROOT, "examples", "adopt", "tsconfig.json"), path.join(folder, "tsconfig.json"));
  const text = readFileSync(path.join(__dirname, "programs", "base.ts"), "utf8");
  writeFileSync(path.join(folder, "index.ts"), text.replace("../../../components", "pulumi-gke-persistent-ip"));
  const project = await Project.create(world, path.relative(ROOT, folder));
  await project.up();
  project.remove();
  const compute = `${world.emulator.url}compute/v1/projects/${world.project}`;
  const post = async (where: string, body: object): Promise<void> => {
    const answer = await fetch(`${compute}/${where}`, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
    const { name } = (await answer.json()) as { name?: string };
    if (!answer.ok || !name) throw new Error(`POST ${where} answered ${answer.status}`);
    const scope = where.startsWith("regions/") ? `regions/${REGION}` : "global";
    await fetch(`${compute}/${scope}/operations/${name}/wait`, { method: "POST" });
  };
  await post(`regions/${REGION}/addresses`, { name: "shop-web", address: "34.123.40.1" });
  await post("global/publicAdvertisedPrefixes", {
    name: "ours",
    ipCidrRange: "203.0.113.0/24",
    pdpScope: "REGIONAL",
    dnsVerificationIp: "203.0.113.1",
  });
  return delegated(world.project, post);
}

async function delegated(project: string, post: (where: string, body: object) => Promise<void>): Promise<string> {
  const parent = "global/publicAdvertisedPrefixes/ours";
  await post(`regions/${REGION}/publicDelegatedPrefixes`, { name: "ours", ipCidrRange: "203.0.113.0/28", parentPrefix: parent });
  await post(`regions/${REGION}/publicDelegatedPrefixes/ours/announce`, {});
  return `https://www.googleapis.com/compute/v1/projects/${project}/regions/${REGION}/publicDelegatedPrefixes/ours`;
}
