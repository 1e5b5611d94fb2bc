// SPDX-License-Identifier: Apache-2.0
// Every registration of every example in TypeScript: its options as designed, and inputs that depend on nothing but the program.
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import type { Registration } from "../../components/testing/mocks";

const ROOT = path.resolve(__dirname, "../..");
const OURS = "gke-persistent-ip:index:";
const EXAMPLES = readdirSync(path.join(ROOT, "examples"), { recursive: true, encoding: "utf8" })
  .filter((file) => path.basename(file) === "index.ts" && !file.includes("node_modules"))
  .map((file) => path.join("examples", file))
  .sort();

interface Way {
  backwards?: boolean;
  cwd?: string;
  TZ?: string;
}
async function registrations(example: string, { backwards, cwd = ROOT, TZ = "UTC" }: Way = {}): Promise<Registration[]> {
  const args = [require.resolve("ts-node/dist/bin"), "-T", path.join(__dirname, "registering.ts"), example];
  const { stdout } = await promisify(execFile)(process.execPath, backwards ? [...args, "--backwards"] : args, {
    cwd,
    env: { ...process.env, TZ, HOSTNAME: `host-${TZ.length}`, TS_NODE_PROJECT: path.join(ROOT, "tsconfig.json") },
    maxBuffer: 64 * 2 ** 20,
  });
  return JSON.parse(stdout) as Registration[];
}

const short = (r: Registration): string => `${r.type} ${r.name}`;
const byUrn = (seen: Registration[]): Registration[] => [...seen].sort((a, b) => (a.urn < b.urn ? -1 : 1));
const inside = (r: Registration): boolean => r.parent.includes(OURS) || r.type.startsWith(OURS);

/** What must not go by itself: who may be deleted decides the user, with one switch (docs/destroy.md). */
const GUARDED = /^gcp:(compute\/(address|network|subnetwork)|container\/(cluster|nodePool)|projects\/|serviceaccount\/)/;
const IGNORED: { [type: string]: string[] } = {
  "gcp:container/cluster:Cluster": ["initialNodeCount", "nodePools", "nodeVersion"],
  "gcp:container/nodePool:NodePool": ["initialNodeCount"],
  "kubernetes:batch/v1:Job": ["spec"],
};

describe("registrations of the examples", function () {
  this.timeout(120_000);

  it("are those of at least eight programs", () => expect(EXAMPLES.length).to.be.at.least(8));

  for (const example of EXAMPLES)
    describe(example, () => {
      let all: Registration[];
      let seen: Registration[];
      let elsewhere: Promise<Registration[]>;
      before(async () => {
        // Both processes at the same time; the last test awaits the other one.
        elsewhere = registrations(example, { backwards: true, cwd: tmpdir(), TZ: "Pacific/Kiritimati" });
        elsewhere.catch(() => undefined);
        all = await registrations(example);
        seen = all.filter(inside);
        expect(seen.length).to.be.greaterThan(1);
      });

      it("parent: everything inside of a component hangs on one of ours, and is registered once", () => {
        for (const r of seen) if (!r.type.startsWith(OURS)) expect(r.parent, short(r)).to.contain(OURS);
        expect(new Set(all.map((r) => r.urn)).size).to.equal(all.length);
      });

      it("provider: no Kubernetes object falls to a default provider, which would be the cluster of whoever runs the program", () => {
        const objects = all.filter((r) => r.type.startsWith("kubernetes:"));
        expect(objects.length).to.be.greaterThan(0);
        for (const r of objects)
          expect(r.provider, short(r))
            .to.match(/pulumi:providers:kubernetes::/)
            .and.not.contain("default");
        for (const r of all.filter((p) => p.type === "pulumi:providers:kubernetes"))
          expect(Object.keys(r.inputs), short(r)).to.include.members(["kubeconfig", "clusterIdentifier"]);
      });

      it("protect and retainOnDelete: on what holds an address or a Pod, and on nothing else", () => {
        for (const r of seen) expect(r.protect, short(r)).to.equal(r.custom && GUARDED.test(r.type));
        for (const r of seen)
          if (r.retainOnDelete) expect(r.type, short(r)).to.match(/^gcp:compute\/(address|network|subnetwork):/);
        for (const r of seen.filter((a) => a.type === "gcp:compute/address:Address"))
          expect(r.retainOnDelete, short(r)).to.equal(true);
      });

      it("deletedWith and aliases: nowhere (ADR 0004; nothing was renamed)", () => {
        for (const r of seen) expect(r.deletedWith, short(r)).to.equal("");
        for (const r of seen)
          expect(
            r.aliases.filter((a) => a.name !== "" && a.name !== r.name),
            short(r),
          ).to.deep.equal([]);
      });

      it("ignoreChanges: what Google changes by itself, and no more", () => {
        for (const r of seen) expect(r.ignoreChanges, short(r)).to.deep.equal(IGNORED[r.type] ?? []);
      });

      it("dependsOn: a route waits for the controller and its Gateways, and nothing waits for itself", () => {
        const urns = new Map(all.map((r) => [r.urn, r]));
        const reach = (r: Registration, found = new Set<string>()): Set<string> => {
          for (const next of r.dependencies)
            if (!found.has(next)) {
              found.add(next);
              const there = urns.get(next);
              if (there) reach(there, found);
            }
          return found;
        };
        for (const r of all) expect(reach(r).has(r.urn), short(r)).to.equal(false);
        const deployment = seen.find((r) => r.type === "kubernetes:apps/v1:Deployment");
        for (const r of seen.filter((a) => a.type.endsWith(":GKEIPRoute")))
          if (deployment) expect([...reach(r)], short(r)).to.include(deployment.urn);
      });

      it("inputs: the same from another folder, in another time zone, on another host, and with all keys the other way round", async () => {
        const other = byUrn(await elsewhere).filter(inside);
        const mine = byUrn(seen);
        expect(other.map(short)).to.deep.equal(mine.map(short));
        other.forEach((r, i) => expect(r.inputs, short(r)).to.deep.equal(mine[i]!.inputs));
      });
    });
});
