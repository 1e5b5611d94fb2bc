// SPDX-License-Identifier: Apache-2.0
// The whole way of another language's program: generated SDK, real engine, plugin started by the CLI, Construct, and a cluster whose routes are Ready.
import { expect } from "chai";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { ROOT, untilReady } from "../../sandbox/demo";
import { runPulumi, type RunResult } from "../../sandbox/pulumi";
import { findTools } from "../../sandbox/tools";
import { startWorld, type World } from "../../sandbox/world/world";
import { proxyPods } from "./pods";
import { installPlugin, VERSION } from "../../sandbox/languages";

const TSC = require.resolve("typescript/bin/tsc");

/** Compiles the generated Node.js SDK, as its publisher would, into a folder that programs can import. */
function compileSdk(modules: string): void {
  const out = path.join(modules, "pulumi-gke-persistent-ip-sdk");
  execFileSync(process.execPath, [TSC, "-p", path.join(ROOT, "sdk", "nodejs"), "--outDir", out], { stdio: "inherit" });
  copyFileSync(path.join(ROOT, "sdk", "nodejs", "package.json"), path.join(out, "package.json"));
}

describe("a program with the generated SDK and the plugin", function () {
  this.timeout(180_000);
  let world: World;
  let folder: string;
  const pulumi = (args: string[], env: Record<string, string> = {}): Promise<RunResult> =>
    runPulumi(world.engine, [...args, "--non-interactive"], { cwd: folder, env });
  const changes = async (args: string[]): Promise<RunResult> => {
    const ran = await pulumi(args);
    expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
    return ran;
  };

  before(async function () {
    const found = await findTools();
    if ("missing" in found) {
      console.log(`      skipped: ${found.missing.join(", ")} not found`);
      return this.skip();
    }
    world = await startWorld({ tools: found.tools, operationLatencyMs: 100 });
    installPlugin(world.engine.home);
    folder = mkdtempSync(path.join(tmpdir(), "remote-"));
    const modules = path.join(folder, "node_modules");
    mkdirSync(path.join(modules, "@pulumi"), { recursive: true });
    for (const sdk of ["pulumi", "gcp"])
      symlinkSync(path.join(ROOT, "node_modules", "@pulumi", sdk), path.join(modules, "@pulumi", sdk));
    compileSdk(modules);
    const program = readFileSync(path.join(__dirname, "programs", "remote.ts"), "utf8");
    writeFileSync(path.join(folder, "index.ts"), program.replace("../../../sdk/nodejs", "pulumi-gke-persistent-ip-sdk"));
    writeFileSync(path.join(folder, "Pulumi.yaml"), "name: remote\nruntime: nodejs\n");
    writeFileSync(path.join(folder, "package.json"), '{"name":"remote","main":"index.ts"}');
    writeFileSync(
      path.join(folder, "tsconfig.json"),
      '{"compilerOptions":{"noCheck":true,"skipLibCheck":true},"files":["index.ts"]}',
    );
    await changes(["stack", "init", "dev"]);
    await changes(["config", "set", "gcp:project", world.project]);
  });
  after(async () => {
    if (folder) rmSync(folder, { recursive: true, force: true });
    await world?.stop();
  });

  it("the CLI gets the schema from the installed plugin", async () => {
    const ran = await changes(["package", "get-schema", `gke-persistent-ip@${VERSION}`]);
    const schema = JSON.parse(ran.stdout) as { name: string; resources: object };
    expect(schema.name).to.equal("gke-persistent-ip");
    expect(Object.keys(schema.resources)).to.include("gke-persistent-ip:index:PersistentPodIps");
  });

  it("wrong arguments are refused in preview with their paths, and nothing else is said", async () => {
    const ran = await pulumi(["preview"], { WRONG_REGION: "moon" });
    expect(ran.code).to.not.equal(0);
    expect(ran.stdout)
      .to.match(/region/)
      .and.match(/moon/);
    expect(ran.stdout).to.not.match(/at new |\.js:\d+/);
  });

  it("previews, deploys the quickstart, sees its routes Ready, and previews no change", async () => {
    const preview = await changes(["preview", "--json"]);
    const steps = (JSON.parse(preview.stdout) as { steps: { op: string; newState?: { type: string; inputs?: object } }[] }).steps;
    const types = steps.map((s) => s.newState?.type ?? "");
    expect(types).to.include.members(["gcp:container/cluster:Cluster", "kubernetes:networking.gke.io/v1:GKEIPRoute"]);
    await changes(["up", "--yes", "--skip-preview"]);
    await proxyPods(world);
    const rows = await untilReady(world, 60_000);
    expect(rows.map((r) => r.route)).to.have.members(["proxy/edge-proxy", "proxy/edge-store"]);
    for (const row of rows) expect(row.conditions).to.equal("Accepted=True GCPReady=True DPV2Ready=True Ready=True");
    const outputs = JSON.parse((await changes(["stack", "output", "--json"])).stdout) as Record<string, unknown>;
    expect(outputs["addresses"]).to.include({ web: "34.123.30.1" });
    expect(outputs["routes"]).to.deep.equal({ proxy: "proxy/edge-proxy", store: "proxy/edge-store" });
    await changes(["preview", "--expect-no-changes"]);
  });

  it("an edit that would give an address back is refused by name, in a preview and in an update without one, and nothing is touched", async () => {
    const before = world.emulator.log.length;
    for (const args of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const ran = await pulumi(args, { OTHER_ADDRESS: "34.123.30.9" });
      expect(ran.code, ran.stdout).to.not.equal(0);
      expect(ran.stdout + ran.stderr, ran.stdout + ran.stderr)
        .to.contain('PersistentPodIps "edge" has edits that are refused')
        .and.contain('addresses.web.address: is "34.123.30.1" and cannot become "34.123.30.9"');
    }
    const written = world.emulator.log.slice(before).filter((e) => e.method !== "GET" && !/^google-api/.test(e.userAgent));
    expect(written.map((e) => `${e.method} ${e.path}`)).to.deep.equal([]);
  });

  it("destroys what it made", async () => {
    await changes(["destroy", "--yes", "--skip-preview"]);
    expect([...world.clusters.keys()]).to.deep.equal([]);
  });
});
