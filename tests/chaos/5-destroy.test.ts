// SPDX-License-Identifier: Apache-2.0
// The whole stack, put up by the real Pulumi engine: the roles it renders are the ones that 4-permissions.test.ts measures, and its destroy meets a
// Google Cloud that is down, then forbids, then is slow.
import { expect } from "chai";
import type { GKEIPRoute } from "../../controller/api";
import { NAMESPACE, ROUTE_FINALIZER } from "../../controller/api";
import { REQUIRED_PERMISSIONS } from "../../controller/api/permissions";
import { clusterRules, ownRules, type Rule } from "../../components/rbac";
import { eventually } from "../support/clients";
import { useSandbox, type Sandbox } from "../support/sandbox";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const sorted = (rules: readonly Rule[]): string[] => rules.map((r) => JSON.stringify([r.apiGroups, r.resources, r.verbs])).sort();
const FORBIDDEN = "Required 'compute.forwardingRules.delete' permission for the rule";

describe("a stack of the real engine, and its end", function () {
  this.timeout(240_000);
  const sandbox = useSandbox();

  it("DESIGN 9.8: the rendered roles, in the cluster and in Google Cloud, are exactly the ones whose every right is known to be used", async () => {
    const s = sandbox();
    const rendered = { gkeClasses: true, observe: false };
    const roles = await s.get<{ items: { metadata: { name: string }; rules: Rule[] }[] }>(`${RBAC}/clusterroles`);
    const ours = roles.items.filter((r) => r.metadata.name.includes("persistent-ip-controller"));
    expect(sorted(ours.flatMap((r) => r.rules))).to.deep.equal(sorted(clusterRules(rendered)));
    const own = await s.get<{ items: { rules: Rule[] }[] }>(`${RBAC}/namespaces/${NAMESPACE}/roles`);
    expect(sorted(own.items.flatMap((r) => r.rules))).to.deep.equal(sorted(ownRules(rendered)));
    const answer = await fetch(`${s.world.emulator.url}sandbox/v1/resources/${encodeURIComponent("gcp:projects:IAMCustomRole")}`);
    const { items } = (await answer.json()) as { items: { value: { inputs: { permissions: string[] } } }[] };
    expect(items.map((i) => [...i.value.inputs.permissions].sort())).to.deep.equal([[...REQUIRED_PERMISSIONS]]);
  });

  /** Deleted routes that are still there, each with its finalizer and the same reason in its status. */
  const stuck = (s: Sandbox, why: RegExp): Promise<number> =>
    eventually(async () => {
      const { items } = await s.get<{ items: GKEIPRoute[] }>("/apis/networking.gke.io/v1/gkeiproutes");
      const deleted = items.filter((r) => r.metadata.deletionTimestamp);
      expect(deleted.length).to.be.greaterThan(0);
      for (const { metadata, status } of deleted) {
        expect(metadata.finalizers).to.deep.equal([ROUTE_FINALIZER]);
        const said = status?.conditions?.find((c) => c.type === "GCPReady");
        expect(`${said?.status}/${said?.reason} ${said?.message}`).to.match(why);
      }
      return deleted.length;
    }, 60_000);

  it("E43 E67: pulumi destroy with the Compute API down, then forbidden, then slow: it waits, the routes say why, and all resolves", async () => {
    const s = sandbox();
    const { faults } = s.world.emulator;
    const before = s.world.emulator
      .list("addresses")
      .map((a) => a.address)
      .sort();
    const down = faults.add({ methodId: /^compute\.(forwardingRules|targetInstances)\./, kind: "resetBefore" });
    let ended = false;
    const destroying = s.stack.pulumi(["destroy", "--yes", "--skip-preview"]).finally(() => (ended = true));
    destroying.catch(() => undefined);
    const routes = await stuck(s, /^False\/GCPFailed .*not given back yet/);
    down.remove();
    const refusal = { status: 403, reason: "forbidden", message: FORBIDDEN };
    const lost = faults.add({ methodId: "compute.forwardingRules.delete", ...refusal });
    await stuck(s, /^False\/GCPFailed .*compute\.forwardingRules\.delete/);
    expect(ended, "destroy waits").to.equal(false);
    lost.remove();
    faults.add({ kind: "slowOperation", methodId: /\.delete$/, delayMs: 3_000 });
    const healed = Date.now();
    await destroying;
    console.log(
      `      ${routes} routes waited; destroyed ${((Date.now() - healed) / 1000).toFixed(0)} s after the cloud was back`,
    );
    expect(s.world.emulator.list("forwardingRules")).to.deep.equal([]);
    expect(s.world.emulator.list("targetInstances")).to.deep.equal([]);
    expect(
      s.world.emulator
        .list("addresses")
        .map((a) => a.address)
        .sort(),
    ).to.deep.equal(before);
    expect(s.world.clusters.size).to.equal(0);
  });
});
