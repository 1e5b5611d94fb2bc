// SPDX-License-Identifier: Apache-2.0
// The pack on the real engine, as a user has it: "pulumi preview --policy-pack FOLDER", good program and bad ones.
import { expect } from "chai";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import * as path from "node:path";
import { buildSync } from "esbuild";
import { ROOT } from "../../sandbox/demo";
import { withLock } from "../../sandbox/tools/lock";
import { useEngine } from "../engine/world";
import type { Stack } from "../engine/stack";
import { run } from "../support/clients";

const SOURCE = path.join(ROOT, "policy");
const NPM_MS = 180_000;

/** The packages of the pack's lock file, installed once into the cache folder. @returns node_modules, or why there is none */
async function packages(): Promise<{ modules: string } | { why: string }> {
  const files = ["package.json", "package-lock.json"];
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(path.join(SOURCE, file)));
  const cache = path.join(process.env["XDG_CACHE_HOME"] || path.join(homedir(), ".cache"), "gke-persistent-ip", "policy");
  const folder = path.join(cache, hash.digest("hex").slice(0, 16));
  return withLock(path.join(cache, ".lock"), async () => {
    const modules = path.join(folder, "node_modules");
    if (existsSync(path.join(modules, ".package-lock.json"))) return { modules };
    mkdirSync(folder, { recursive: true });
    for (const file of files) copyFileSync(path.join(SOURCE, file), path.join(folder, file));
    const ran = await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: folder, timeoutMs: NPM_MS });
    return ran.code === 0
      ? { modules }
      : { why: `npm ci of the pack ended with ${ran.code}: ${ran.stderr.trim().split("\n").at(-1)}` };
  });
}

/** The compiled pack with its packages beside it. */
function install(folder: string, modules: string): void {
  mkdirSync(folder, { recursive: true });
  buildSync({
    entryPoints: [path.join(SOURCE, "rules.ts")],
    outdir: folder,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "silent",
  });
  for (const file of ["index.js", "PulumiPolicy.yaml", "package.json"])
    copyFileSync(path.join(SOURCE, file), path.join(folder, file));
  symlinkSync(modules, path.join(folder, "node_modules"));
}

/** Addresses below a component of ours, and what else the rules look at, without a cluster: everything is planned, nothing is made. */
const program = (more: string): string => `import * as pulumi from "@pulumi/pulumi";
import { Address } from "@pulumi/gcp/compute";
import { AddressSet, PodIpRoute } from ${JSON.stringify(path.join(ROOT, "dist", "components"))};
import * as k8s from "@pulumi/kubernetes";
const provider = new k8s.Provider("k", { kubeconfig: new pulumi.Config().get("never") ?? pulumi.output(pulumi.unknown as string) });
const route = (name: string, address: string) => new PodIpRoute(name, { gateway: { name: "g" }, addresses: [address],
  podSelector: { matchLabels: { app: name } }, waitForAccepted: false }, { providers: { kubernetes: provider } });
${more}`;
const set = (onDestroy: string): string =>
  `new AddressSet("edge", { region: "us-central1", addresses: { web: {} }, onDestroy: "${onDestroy}" });\n`;

describe("policy pack on the real engine", function () {
  this.timeout(120_000);
  const world = useEngine();
  let stack: Stack;
  let folder: string;

  before(async function () {
    this.timeout(240_000);
    const found = await packages();
    if ("why" in found) {
      console.log(`      skipped: ${found.why}`);
      return this.skip();
    }
    folder = mkdtempSync(path.join(tmpdir(), "policy-"));
    install(path.join(folder, "pack"), found.modules);
    stack = await world().stack({ name: "policed", program: program(set("Protect")) });
    await stack.run(["config", "set", "gcp:project", world().emulator.project]);
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  const preview = (more: string) => {
    stack.rewrite(program(more));
    return stack.preview({}, "--policy-pack", path.join(folder, "pack"));
  };

  it("a good program passes, and the engine says which pack looked at it", async () => {
    const ran = await preview(`${set("Protect")}route("a", "34.1.2.3");\nroute("b", "34.1.2.4");`);
    expect(ran.code, ran.text).to.equal(0);
    expect(ran.text).to.match(/gke-persistent-ip/);
  });

  it("an unprotected address stops the preview (reserved-address-protected)", async () => {
    const ran = await preview(set("Retain"));
    expect(ran.code, ran.text).to.not.equal(0);
    expect(ran.text).to.contain("reserved-address-protected").and.to.contain("edge-web is not protected");
  });

  it("two routes on one address stop it (one-route-per-address)", async () => {
    const ran = await preview(`route("a", "34.1.2.3");\nroute("b", "34.1.2.3");`);
    expect(ran.code, ran.text).to.not.equal(0);
    expect(ran.text).to.contain("one-route-per-address").and.to.contain("shares it with route default/a");
  });

  it("a private key in a ConfigMap stops it (no-plain-text-secrets)", async () => {
    const key = ["-----BEGIN", "PRIVATE KEY-----"].join(" ");
    const ran = await preview(`new k8s.core.v1.ConfigMap("c", { data: { key: ${JSON.stringify(key)} } }, { provider });`);
    expect(ran.code, ran.text).to.not.equal(0);
    expect(ran.text).to.contain("no-plain-text-secrets").and.to.contain("data.key holds a private key");
  });
});
