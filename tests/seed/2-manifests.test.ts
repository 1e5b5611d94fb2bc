// SPDX-License-Identifier: Apache-2.0
// Steps 3 to 5 of the seed: its manifests, byte for byte, through kubectl; judged by kubectl wait and gcloud.
import { expect } from "chai";
import * as path from "node:path";
import { eventually } from "../support/clients";
import { condition, nodeOfPod, reserve, SEED, untilRoute, useSandbox, vmOf, type Sandbox } from "../support/sandbox";
import { proxyPod } from "../support/workloads";

const file = (name: string): string => path.join(SEED, name);
interface PodList {
  items: {
    metadata: { name: string; creationTimestamp: string; deletionTimestamp?: string; labels: Record<string, string> };
    status: { conditions?: { type: string; status: string }[] };
  }[];
}
const pods = async (s: Sandbox, namespace: string): Promise<PodList["items"]> =>
  (await s.get<PodList>(`/api/v1/namespaces/${namespace}/pods?labelSelector=component%3Dproxy`)).items.filter(
    (p) => !p.metadata.deletionTimestamp,
  );
const isReady = (p: PodList["items"][number]): boolean =>
  p.status.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
/** Best first: newest, then by name, as the seed and E7 say. */
const byAge = (list: PodList["items"]): PodList["items"] =>
  [...list].sort((a, b) =>
    a.metadata.creationTimestamp !== b.metadata.creationTimestamp
      ? a.metadata.creationTimestamp > b.metadata.creationTimestamp
        ? -1
        : 1
      : a.metadata.name < b.metadata.name
        ? -1
        : 1,
  );

describe("seed steps 3 to 5: the manifests verbatim", function () {
  this.timeout(120_000);
  const sandbox = useSandbox();

  before(async () => {
    const s = sandbox();
    await reserve(s, "seed-1", "34.123.10.1");
    await reserve(s, "seed-2", "34.123.10.2");
    for (const n of ["proxy-ss-ns", "proxy-deploy-ns"]) await s.kubectl(["create", "namespace", n]);
  });

  it("A9 E36 SEED-56: a route whose Gateway does not exist yet says GatewayNotFound and heals when it is made", async () => {
    const s = sandbox();
    await s.kubectl(["apply", "-f", file("my-ip-route.yaml")]);
    const route = await untilRoute(s, "default", "my-ip-route", { type: "Accepted", status: "False", reason: "GatewayNotFound" });
    expect(condition(route, "Accepted")?.message).to.contain("default/allowed-pod-ips");
    await s.kubectl(["delete", "-f", file("my-ip-route.yaml")]);
  });

  it("SEED-21 SEED-25 SEED-40 SEED-41 SEED-43 SEED-48 SEED-49 SEED-51: the Gateway is accepted and programmed and lists both addresses", async () => {
    const s = sandbox();
    await s.kubectl(["apply", "-f", file("allowed-pod-ips.yaml")]);
    await s.kubectl(["wait", "--for=condition=Programmed", "gateway/allowed-pod-ips", "--timeout=30s"]);
    const gateway = await s.gateway("default", "allowed-pod-ips");
    expect(condition(gateway, "Accepted")?.status).to.equal("True");
    expect(gateway.status?.addresses?.map((a) => a.value)).to.deep.equal(["34.123.10.1/32", "34.123.10.2/32"]);
    expect(gateway.status?.listeners?.[0]?.supportedKinds).to.deep.equal([{ group: "networking.gke.io", kind: "GKEIPRoute" }]);
  });

  it("SEED-83 SEED-84 SEED-87 S2: the route without a matching Pod says NoPodsFound and what it looked for", async () => {
    const s = sandbox();
    await s.kubectl(["apply", "-f", file("my-ip-route.yaml")]);
    const route = await untilRoute(s, "default", "my-ip-route", { status: "False", reason: "NoPodsFound" });
    expect(condition(route, "Ready")?.message).to.contain("component").and.to.contain("default");
    expect(route.status?.pods ?? []).to.deep.equal([]);
  });

  it("SEED-22 SEED-23 SEED-54 SEED-55 SEED-57 SEED-65 SEED-67 SEED-79 SEED-82: kubectl wait sees Ready once a Pod with the label is there, and gcloud shows the address at the VM of its node", async () => {
    const s = sandbox();
    await s.kubectl(["apply", "-f", "-"], proxyPod("default", "proxy-one"));
    await s.kubectl(["wait", "--for=condition=Ready", "gkeiproute/my-ip-route", "--timeout=60s"]);
    expect((await s.route("default", "my-ip-route")).status?.pods).to.deep.equal(["proxy-one"]);
    expect(await vmOf(s, "34.123.10.1")).to.equal(await nodeOfPod(s, "default", "proxy-one"));
  });

  it("SEED-95 SEED-96 SEED-97: all four conditions are there at the present generation, each True", async () => {
    const route = await sandbox().route("default", "my-ip-route");
    for (const type of ["Accepted", "GCPReady", "DPV2Ready", "Ready"])
      expect(condition(route, type), type).to.include({ status: "True", observedGeneration: route.metadata.generation });
  });

  it("E23 S8 SEED-8: all three manifests at once claim one address: the oldest keeps it and the others name it", async () => {
    const s = sandbox();
    // Creation times have a resolution of one second, and age decides.
    await s.kubectl(["apply", "-f", file("statefulset.yaml")]);
    await new Promise((r) => setTimeout(r, 1_100));
    await s.kubectl(["apply", "-f", file("deployment.yaml")]);
    for (const namespace of ["proxy-ss-ns", "proxy-deploy-ns"]) {
      const loser = await untilRoute(s, namespace, "my-pod-ips", { status: "False", reason: "InvalidAddresses" });
      expect(condition(loser, "Accepted")?.message).to.contain("34.123.10.1").and.to.contain("default/my-ip-route");
    }
    expect(condition(await s.route("default", "my-ip-route"), "Ready")?.status).to.equal("True");
  });

  it("SEED-44 SEED-45 SEED-68 SEED-69 E23: when the winner goes, the next oldest is promoted and its addresses go to the replica with the pod-name label", async () => {
    const s = sandbox();
    await s.kubectl(["delete", "-f", file("my-ip-route.yaml")]);
    await s.kubectl(["wait", "--for=condition=Ready", "-n", "proxy-ss-ns", "gkeiproute/my-pod-ips", "--timeout=90s"]);
    const route = await s.route("proxy-ss-ns", "my-pod-ips");
    expect(route.status?.pods).to.deep.equal(["proxy-ss-1"]);
    const node = await nodeOfPod(s, "proxy-ss-ns", "proxy-ss-1");
    for (const address of ["34.123.10.1", "34.123.10.2"]) expect(await vmOf(s, address), address).to.equal(node);
  });

  it("SEED-18 E15 E16 S5: the replica deleted comes back under its name with another UID, and has the addresses again", async () => {
    const s = sandbox();
    const before = (await s.binding("34-123-10-1")).status!;
    await s.kubectl(["delete", "pod", "-n", "proxy-ss-ns", "proxy-ss-1", "--wait=false"]);
    await eventually(async () => {
      const now = (await s.binding("34-123-10-1")).status;
      expect(now?.phase).to.equal("Held");
      expect(now?.holder?.pod).to.equal("proxy-ss-1");
      expect(now?.holder?.podUID).to.not.equal(before.holder?.podUID);
      expect(now?.generation).to.be.greaterThan(before.generation!);
    }, 60_000);
    const route = await untilRoute(s, "proxy-ss-ns", "my-pod-ips", { status: "True", pod: "proxy-ss-1" });
    expect(route.status?.pods).to.deep.equal(["proxy-ss-1"]);
  });

  it("SEED-9 SEED-10 SEED-61 SEED-66 SEED-70 SEED-71 SEED-72 S1: of the Deployment's four Pods the newest that is Ready has the addresses", async () => {
    const s = sandbox();
    await s.kubectl(["delete", "-f", file("statefulset.yaml")]);
    await s.kubectl(["wait", "--for=condition=Ready", "-n", "proxy-deploy-ns", "gkeiproute/my-pod-ips", "--timeout=90s"]);
    await eventually(async () => {
      const all = await pods(s, "proxy-deploy-ns");
      expect(all.filter(isReady)).to.have.length(4);
      expect((await s.route("proxy-deploy-ns", "my-pod-ips")).status?.pods).to.deep.equal([byAge(all)[0]!.metadata.name]);
    }, 60_000);
  });

  it("SEED-62 SEED-79 E9: a rollout moves the address once for each new newest Ready Pod, and never back", async () => {
    const s = sandbox();
    await untilRoute(s, "proxy-deploy-ns", "my-pod-ips", { status: "True" });
    const before = (await s.binding("34-123-10-1")).status!;
    const seen: string[] = [];
    await s.kubectl(["rollout", "restart", "-n", "proxy-deploy-ns", "deployment/proxy-deploy"]);
    const watching = { on: true };
    const watch = (async () => {
      while (watching.on) {
        const uid = (await s.binding("34-123-10-1")).status?.holder?.podUID;
        if (uid && seen.at(-1) !== uid) seen.push(uid);
        await new Promise((r) => setTimeout(r, 20));
      }
    })();
    await s.kubectl(["rollout", "status", "-n", "proxy-deploy-ns", "deployment/proxy-deploy", "--timeout=90s"]);
    await eventually(async () => {
      const all = await pods(s, "proxy-deploy-ns");
      expect(all).to.have.length(4);
      expect((await s.route("proxy-deploy-ns", "my-pod-ips")).status?.pods).to.deep.equal([byAge(all)[0]!.metadata.name]);
    }, 60_000);
    await untilRoute(s, "proxy-deploy-ns", "my-pod-ips", { status: "True" });
    watching.on = false;
    await watch;
    const after = (await s.binding("34-123-10-1")).status!;
    const moves = after.history!.filter((m) => m.generation > before.generation!);
    expect(new Set(seen).size, "never back to an earlier holder").to.equal(seen.length);
    expect(new Set(moves.map((m) => m.to!.podUID)).size, "one move for each Pod").to.equal(moves.length);
    // Only Pods that were newest and Ready in their turn can have been holders: at most one move for each of the four new ones.
    expect(moves.length).to.be.within(1, 4);
  });
});
