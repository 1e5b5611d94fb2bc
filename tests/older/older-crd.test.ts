// SPDX-License-Identifier: Apache-2.0
// Clusters whose GKEIPRoute CRD is Google's own: the older one and the newer one. The whole quickstart, on each: nothing here may need our schema.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { createStack, killHolder, ROOT, untilReady, type Stack } from "../../sandbox/demo";
import { ensureTools, ToolsMissingError, type Tools } from "../../sandbox/tools";
import { startWorld, type World, type WorldOptions } from "../../sandbox/world/world";
import { eventually, run } from "../support/clients";

const CRDS = path.resolve(ROOT, "../shared/data/crds");
const OLDER = { title: "the older one (GKE 1.33)", file: path.join(CRDS, "gkeiproute-v1.gke-1.33.crd.json"), newer: false };
const NEWER = { title: "the newer one", file: path.join(CRDS, "gkeiproute-v1.crd.json"), newer: true };
const ROUTE = "/apis/networking.gke.io/v1/namespaces/proxy/gkeiproutes/edge-proxy";
const CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gkeiproutes.networking.gke.io";

interface Route {
  metadata: { generation: number };
  spec: Record<string, unknown>;
  status?: { conditions?: { type: string; status: string; reason: string; message: string; observedGeneration?: number }[] };
}
interface Opened {
  tools: Tools;
  world: World;
  stack: Stack;
}

const seconds = (from: number): string => `${((Date.now() - from) / 1000).toFixed(1)} s`;
const say = (text: string): void => console.log(`      ${text}`);

/** A world with this CRD, and a stack of the quickstart that expects the CRD to be GKE's. Skips where a part is missing. */
function useCluster(file: string, options: Omit<WorldOptions, "tools"> = {}): () => Opened {
  let opened: Opened | undefined;
  before(async function () {
    this.timeout(120_000);
    if (!existsSync(file)) {
      say(`skipped: ${path.basename(file)} is not beside this checkout`);
      return this.skip();
    }
    try {
      const tools = await ensureTools();
      await promisify(execFile)(
        process.execPath,
        [require.resolve("ts-node/dist/bin"), "-T", "scripts/build.ts", "--if-needed"],
        {
          cwd: ROOT,
        },
      );
      const world = await startWorld({ tools, operationLatencyMs: 100, extraCrds: [file], ...options });
      opened = { tools, world, stack: undefined as never };
      const stack = await createStack(world, { "gke-persistent-ip:crds": "FromGke", "gke-persistent-ip:protect": "false" });
      opened = { tools, world, stack };
    } catch (error) {
      if (!(error instanceof ToolsMissingError)) throw error;
      say(`skipped: ${error.message.split("\n")[0]}`);
      this.skip();
    }
  });
  after(async function () {
    this.timeout(60_000);
    opened?.stack?.remove();
    await opened?.world.stop();
  });
  return () => opened!;
}

for (const crd of [OLDER, NEWER])
  describe(`a cluster whose GKEIPRoute CRD is Google's, ${crd.title}`, function () {
    this.timeout(180_000);
    const cluster = useCluster(crd.file);
    const get = <T>(url: string): Promise<T> => cluster().world.cluster().controlPlane.admin.request<T>("GET", url);
    const patch = async (spec: object): Promise<{ code: number; text: string }> => {
      const args = ["-n", "proxy", "patch", "gkeiproute", "edge-proxy", "--type=merge", "-p", JSON.stringify({ spec })];
      const ran = await run(cluster().tools.kubectl, args, { env: cluster().world.env() });
      return { code: ran.code, text: ran.stdout + ran.stderr };
    };

    it("takes the quickstart, leaves the CRD as it is, and every route is Ready (SEED-54)", async () => {
      const started = Date.now();
      await cluster().stack.pulumi(["up", "--yes", "--skip-preview"]);
      const rows = await untilReady(cluster().world, 60_000);
      say(`pulumi up to Ready: ${seconds(started)}`);
      expect(rows.map((r) => r.conditions)).to.deep.equal(
        Array(3).fill("Accepted=True GCPReady=True DPV2Ready=True Ready=True") as string[],
      );
      const { spec } = await get<{
        spec: { versions: { schema: { openAPIV3Schema: { properties: { spec: { properties: object } } } } }[] };
      }>(CRD);
      const fields = Object.keys(spec.versions[0]!.schema.openAPIV3Schema.properties.spec.properties);
      expect(fields.includes("haPolicy")).to.equal(crd.newer);
    });

    it("sees the address move when its Pod is killed (SEED-1)", async () => {
      const { world } = cluster();
      const row = (await untilReady(world, 10_000)).find((r) => r.route === "proxy/edge-proxy")!;
      const move = await killHolder(world, row.address);
      say(`${move.address}: ${move.from} -> ${move.to}, ${move.seenMs} ms from the kill to Ready`);
      expect(move.from).to.not.equal(move.to);
    });

    it("has no changes in a second preview", () => cluster().stack.pulumi(["preview", "--expect-no-changes"]));

    it("SEED-56, SEED-64, SEED-65, E44: does not stop an edit of an immutable field, which then is what the route says", async () => {
      const before = await get<Route>(ROUTE);
      const done = await patch({ reactionMode: "Exists" });
      expect(done.code, done.text).to.equal(0);
      const after = await eventually(async () => {
        const route = await get<Route>(ROUTE);
        const ready = route.status?.conditions?.find((c) => c.type === "Ready");
        expect(ready?.observedGeneration, JSON.stringify(route.status)).to.equal(route.metadata.generation);
        expect(ready?.status, JSON.stringify(route.status)).to.equal("True");
        return route;
      });
      expect(after.metadata.generation).to.equal(before.metadata.generation + 1);
      expect(after.spec["reactionMode"]).to.equal("Exists");
      // Back again by hand: the program never changed, and says so.
      expect((await patch({ reactionMode: "ReadyCondition" })).code).to.equal(0);
      await untilReady(cluster().world, 20_000);
      await cluster().stack.pulumi(["preview", "--expect-no-changes"]);
    });

    it("drops what its schema does not have, or keeps it, and the route works on", async () => {
      const done = await patch({ allowGlobalAccess: true });
      expect(done.code, done.text).to.equal(0);
      expect((await get<Route>(ROUTE)).spec["allowGlobalAccess"]).to.equal(crd.newer ? true : undefined);
      // As Pulumi writes: server-side apply refuses a field that the schema does not have, instead of dropping it.
      const manifest = {
        apiVersion: "networking.gke.io/v1",
        kind: "GKEIPRoute",
        metadata: { name: "global", namespace: "proxy" },
      };
      const spec = {
        addresses: [{ value: "10.1.0.77/32" }],
        podSelector: { matchLabels: { app: "none" } },
        allowGlobalAccess: true,
      };
      const applied = await run(cluster().tools.kubectl, ["apply", "--server-side", "--dry-run=server", "-f", "-"], {
        env: cluster().world.env(),
        input: JSON.stringify({ ...manifest, spec }),
      });
      expect(applied.code === 0, applied.stdout + applied.stderr).to.equal(crd.newer);
      if (!crd.newer) expect(applied.stderr).to.contain("field not declared in schema");
      await untilReady(cluster().world, 20_000);
    });
  });

describe("a young cluster, which serves its CRDs 15 s late", function () {
  this.timeout(180_000);
  const DELAY = 15_000;
  const cluster = useCluster(OLDER.file, { crdDelayMs: DELAY });

  it("is waited for by the controller's readiness: one pulumi up, no failed resource", async () => {
    const { stack, world } = cluster();
    const started = Date.now();
    const out = await stack.pulumi(["up", "--yes", "--skip-preview"]);
    const upMs = Date.now() - started;
    const rows = await untilReady(world, 60_000);
    say(`pulumi up ${(upMs / 1000).toFixed(1)} s with CRDs ${DELAY / 1000} s late, Ready after ${seconds(started)}`);
    expect(rows).to.have.length(3);
    expect(out)
      .to.match(/\+ \d+ created/)
      .and.not.match(/failed|errored/);
    expect(upMs).to.be.greaterThan(DELAY);
    await stack.pulumi(["preview", "--expect-no-changes"]);
  });
});
