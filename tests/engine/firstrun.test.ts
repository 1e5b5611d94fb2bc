// SPDX-License-Identifier: Apache-2.0
// The first update of a new cluster, which serves its CRDs late: nothing that needs them is even tried before they are there, for the controller kinds
// where Google's own does the work. (tests/older has the same for ours.)
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { ROOT } from "../../sandbox/demo";
import { runPulumi } from "../../sandbox/pulumi";
import { ensureTools, ToolsMissingError } from "../../sandbox/tools";
import { startWorld, type World } from "../../sandbox/world/world";
import { DIST } from "./golden/project";

const CRD = path.resolve(ROOT, "../shared/data/crds/gkeiproute-v1.gke-1.33.crd.json");
const KINDS = ["GkeManaged", "Observe"];
/** Later than the cluster's nodes and the start of a Pod. */
const DELAY_MS = 20_000;
const SERVED = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gkeiproutes.networking.gke.io";

const program = (controller: object, world: World): string => `"use strict";
const { Network } = require("@pulumi/gcp/compute/network");
const { Subnetwork } = require("@pulumi/gcp/compute/subnetwork");
const kit = require(${JSON.stringify(DIST)});
const vpc = new Network("nodes", { name: "nodes", autoCreateSubnetworks: false });
const subnet = new Subnetwork("nodes", { name: "nodes", network: vpc.name, region: "${world.region}", ipCidrRange: "10.0.0.0/20",
  secondaryIpRanges: [{ rangeName: "pods", ipCidrRange: "10.4.0.0/14" }, { rangeName: "services", ipCidrRange: "10.8.0.0/20" }] });
new kit.PersistentPodIps("first", { region: "${world.region}", project: "${world.project}", onDestroy: "Delete", controller: ${JSON.stringify(controller)},
  cluster: { create: { location: "${world.region}-a", network: vpc.name, subnetwork: subnet.name, podRange: "pods", serviceRange: "services", pools: { main: {} } } },
  networks: { blue: { cidr: "10.1.0.0/20", podCidr: "10.128.0.0/16" } }, addresses: { web: {} },
  routes: { web: { addresses: ["web"], podSelector: { matchLabels: { app: "web" } }, waitForAccepted: false } } });
`;

describe("the first update of a cluster that serves its CRDs late", function () {
  this.timeout(240_000);
  // Each has a world of its own, and mostly waits: all of them at the same time.
  const runs = new Map<string, Promise<string | undefined>>();
  before(() => {
    for (const kind of KINDS) {
      const run = inWorld(kind);
      run.catch(() => undefined); // its own test awaits it
      runs.set(kind, run);
    }
  });

  for (const kind of KINDS)
    it(`waits for them by a gate, with no failed resource and no retry: ${kind}`, async function () {
      const missing = await runs.get(kind);
      if (missing === undefined) return;
      console.log(`      skipped: ${missing}`);
      this.skip();
    });
});

/** Runs one kind; answers what is missing for it. */
async function inWorld(kind: string): Promise<string | undefined> {
  if (!existsSync(CRD)) return `${path.basename(CRD)} is not beside this checkout`;
  const folder = mkdtempSync(path.join(tmpdir(), "first-"));
  let world: World | undefined;
  try {
    world = await startWorld({ tools: await ensureTools(), operationLatencyMs: 50, crdDelayMs: DELAY_MS, extraCrds: [CRD] });
    await firstRun(world, folder, kind);
    return undefined;
  } catch (error) {
    if (!(error instanceof ToolsMissingError)) throw error;
    return error.message.split("\n")[0];
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await world?.stop();
  }
}

async function firstRun(world: World, folder: string, kind: string): Promise<void> {
  mkdirSync(path.join(folder, "node_modules"));
  symlinkSync(path.join(ROOT, "node_modules", "@pulumi"), path.join(folder, "node_modules", "@pulumi"));
  writeFileSync(path.join(folder, "Pulumi.yaml"), "name: first\nruntime: nodejs\n");
  writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "first", main: "index.js" }));
  // A copy, since a build beside this test may replace the package's own between the update and the preview.
  const bundlePath = path.join(folder, "controller.js.br");
  copyFileSync(path.join(DIST, "../bundle/controller.js.br"), bundlePath);
  const own = kind === "GkeManaged" ? {} : { bundlePath };
  writeFileSync(path.join(folder, "index.js"), program({ kind, replicas: 1, ...own }, world));
  const pulumi = (args: string[], onLine?: (line: string) => void) =>
    runPulumi(world.engine, [...args, "--non-interactive"], { cwd: folder, ...(onLine ? { onLine } : {}) });
  writeFileSync(path.join(folder, "Pulumi.dev.yaml"), JSON.stringify({ config: { "gcp:project": world.project } }));
  expect((await pulumi(["stack", "init", "dev"])).code).to.equal(0);
  const tooEarly: Promise<string | undefined>[] = [];
  const served = (line: string): Promise<string | undefined> =>
    world
      .cluster()
      .controlPlane.admin.request("GET", SERVED)
      .then(
        () => undefined,
        () => line.trim(),
      );
  // The moment that the engine begins with an object of a late kind, its kind must be there.
  const up = await pulumi(["up", "--yes", "--skip-preview"], (line) => {
    if (/\+\s+kubernetes:\S*:(Gateway|GKEIPRoute|Network|GKENetworkParamSet) \S+ creating/.test(line))
      tooEarly.push(served(line));
  });
  expect(up.code, up.stdout + up.stderr).to.equal(0);
  const early = await Promise.all(tooEarly);
  expect(early.length, up.stdout).to.be.at.least(4);
  expect(early.filter((e) => e !== undefined)).to.deep.equal([]);
  const again = await pulumi(["preview", "--expect-no-changes"]);
  expect(again.code, again.stdout + again.stderr).to.equal(0);
}
