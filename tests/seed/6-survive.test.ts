// SPDX-License-Identifier: Apache-2.0
// What must survive: a controller killed in the middle of a move, foreign objects, and every reserved address when all else is deleted.
import { expect } from "chai";
import { eventually } from "../support/clients";
import { nodeOfPod, reserve, untilRoute, useSandbox, vmOf, type Sandbox } from "../support/sandbox";
import { gateway, proxyPod, route } from "../support/workloads";

const apply = (s: Sandbox, ...objects: object[]): Promise<string> =>
  s.kubectl(["apply", "-f", "-"], { apiVersion: "v1", kind: "List", items: objects });
const leader = async (s: Sandbox): Promise<string> => {
  const lease = await s.get<{ spec: { holderIdentity: string } }>(
    "/apis/coordination.k8s.io/v1/namespaces/persistent-ip-system/leases/persistent-ip-controller",
  );
  return lease.spec.holderIdentity.split("_")[0]!;
};
const ours = (s: Sandbox): { rules: string[]; targets: string[] } => ({
  rules: s.world.emulator
    .list("forwardingRules")
    .filter((r) => r.name.startsWith("pip-"))
    .map((r) => r.IPAddress),
  targets: s.world.emulator
    .list("targetInstances")
    .filter((t) => t.name.startsWith("pip-"))
    .map((t) => t.name),
});

describe("seed: what survives", function () {
  this.timeout(180_000);
  const sandbox = useSandbox();

  it("F1 E47: the leader killed with -9 in the middle of a move: the other ends it at the right Pod, and no foreign object is touched", async () => {
    const s = sandbox();
    const ns = "killed";
    const address = "34.123.60.1";
    // Two nodes, so that the move needs a setTarget.
    const nodes = s.world.cluster().nodes.names();
    await s.gcloud(["compute", "addresses", "create", "killed", "--region", "us-central1", "--addresses", address]);
    await s.gcloud(["compute", "addresses", "create", "foreign", "--region", "us-central1", "--addresses", "34.123.60.9"]);
    await s.kubectl(["create", "namespace", ns]);
    await apply(
      s,
      gateway(ns, "gw", [address]),
      route(ns, "r", { addresses: [address], selector: { component: "proxy" } }),
      proxyPod(ns, "first", { nodeName: nodes[0]! }),
    );
    await untilRoute(s, ns, "r", { status: "True", pod: "first" });
    const vm = (await s.gcloudJson<{ name: string; zone: string }[]>(["compute", "instances", "list"]))[0]!;
    const zone = vm.zone.split("/").at(-1)!;
    await s.gcloud(["compute", "target-instances", "create", "foreign-ti", "--instance", vm.name, "--zone", zone]);
    await s.gcloud([
      "compute",
      "forwarding-rules",
      "create",
      "foreign-fr",
      "--region",
      "us-central1",
      "--load-balancing-scheme",
      "EXTERNAL",
      "--ip-protocol",
      "L3_DEFAULT",
      "--ports",
      "ALL",
      "--address",
      "foreign",
      "--target-instance",
      "foreign-ti",
      "--target-instance-zone",
      zone,
    ]);
    const foreign = JSON.stringify(s.world.emulator.list("forwardingRules").find((r) => r.name === "foreign-fr"));
    // Long enough to be killed in the middle of.
    s.world.emulator.setLatency(4_000);
    try {
      await new Promise((r) => setTimeout(r, 1_100));
      await apply(s, proxyPod(ns, "second", { nodeName: nodes[1]! }));
      await eventually(
        () => {
          const moved = s.world.emulator.log.some(
            (e) =>
              e.methodId === "compute.forwardingRules.setTarget" && Date.now() - e.at < 4_000 && e.path.includes("/regions/"),
          );
          if (!moved) {
            const calls = s.world.emulator.log.slice(-12).map((e) => `${e.methodId} ${e.status} ${Date.now() - e.at} ms ago`);
            throw new Error(`no setTarget yet; last calls:\n${calls.join("\n")}`);
          }
        },
        30_000,
        20,
      );
      const victim = await leader(s);
      s.world.cluster().pods.kill(victim, "SIGKILL");
      await untilRoute(s, ns, "r", { status: "True", pod: "second", ms: 90_000 });
    } finally {
      s.world.emulator.setLatency(200);
    }
    expect(await vmOf(s, address)).to.equal(await nodeOfPod(s, ns, "second"));
    expect(JSON.stringify(s.world.emulator.list("forwardingRules").find((r) => r.name === "foreign-fr"))).to.equal(foreign);
    const again = await eventually(async () => {
      const pods = s.world
        .cluster()
        .pods.list()
        .filter((p) => p.name.startsWith("persistent-ip-controller"));
      expect(pods.filter((p) => p.ready)).to.have.length(2);
      return pods;
    }, 60_000);
    expect(again.some((p) => p.restartCount > 0)).to.equal(true);
  });

  it("E25 E31: an address that a foreign rule uses is refused with the rule's name, and the rule stays as it is", async () => {
    const s = sandbox();
    const ns = "stolen";
    await s.kubectl(["create", "namespace", ns]);
    const foreign = JSON.stringify(s.world.emulator.list("forwardingRules").find((r) => r.name === "foreign-fr"));
    await apply(
      s,
      gateway(ns, "gw", ["34.123.60.9"]),
      route(ns, "r", { addresses: ["34.123.60.9"], selector: { component: "proxy" } }),
      proxyPod(ns, "one"),
    );
    const refused = await untilRoute(s, ns, "r", { type: "GCPReady", status: "False", reason: "GCPFailed" });
    expect(refused.status?.conditions?.find((c) => c.type === "GCPReady")?.message).to.contain("foreign-fr");
    expect(JSON.stringify(s.world.emulator.list("forwardingRules").find((r) => r.name === "foreign-fr"))).to.equal(foreign);
    await s.kubectl(["delete", "gkeiproute", "r", "-n", ns, "--timeout=30s"]);
    expect(JSON.stringify(s.world.emulator.list("forwardingRules").find((r) => r.name === "foreign-fr"))).to.equal(foreign);
  });

  it("E49: a forwarding rule deleted by hand is put back by the drift pass", async () => {
    const s = sandbox();
    const rule = s.world.emulator.list("forwardingRules").find((r) => r.IPAddress === "34.123.60.1")!;
    await s.gcloud(["compute", "forwarding-rules", "delete", rule.name, "--region", "us-central1"]);
    await eventually(
      async () => expect(await vmOf(s, "34.123.60.1")).to.equal(await nodeOfPod(s, "killed", "second")),
      90_000,
      500,
    );
  });

  it("E18 E19 SEED-79: a node loses its power: the address moves to the Pod of another node, and the dead one does not get it back", async () => {
    const s = sandbox();
    const ns = "powercut";
    const { nodes } = s.world.cluster();
    const [stays, dies] = nodes.names();
    await reserve(s, ns, "34.123.61.1");
    await s.kubectl(["create", "namespace", ns]);
    await apply(
      s,
      gateway(ns, "gw", ["34.123.61.1"]),
      route(ns, "r", { addresses: ["34.123.61.1"], selector: { component: "proxy" } }),
      proxyPod(ns, "older", { nodeName: stays! }),
    );
    await untilRoute(s, ns, "r", { status: "True", pod: "older" });
    await new Promise((r) => setTimeout(r, 1_100));
    await apply(s, proxyPod(ns, "newer", { nodeName: dies! }));
    await untilRoute(s, ns, "r", { status: "True", pod: "newer" });
    const cut = Date.now();
    await nodes.crash(dies!);
    try {
      await untilRoute(s, ns, "r", { status: "True", pod: "older", ms: 60_000 });
      console.log(
        `      power cut to Ready elsewhere: ${((Date.now() - cut) / 1000).toFixed(1)} s (node grace period 4 s here, 40 s or more on GKE)`,
      );
      expect(await vmOf(s, "34.123.61.1")).to.equal(stays);
      expect((await s.binding("34-123-61-1")).status?.lastMove?.cause).to.match(/PodNotReady|PodTerminating|PodGone/);
    } finally {
      await nodes.restore(dies!);
    }
  });

  it("E42 E37 SEED-8: all routes and Gateways deleted: no rule and no target instance of ours is left, and every reserved address is as it was", async () => {
    const s = sandbox();
    const before = s.world.emulator
      .list("addresses")
      .map((a) => `${a.name}=${a.address}`)
      .sort();
    await s.kubectl(["delete", "gkeiproutes", "-A", "--all", "--timeout=60s"]);
    await s.kubectl(["delete", "gateways", "-A", "--all", "--timeout=60s"]);
    await eventually(() => expect(ours(s)).to.deep.equal({ rules: [], targets: [] }), 60_000);
    const after = s.world.emulator.list("addresses");
    expect(after.map((a) => `${a.name}=${a.address}`).sort()).to.deep.equal(before);
    expect(after.filter((a) => a.name !== "foreign" && a.status !== "RESERVED").map((a) => a.name)).to.deep.equal([]);
    expect((await s.get<{ items: unknown[] }>("/apis/gke-persistent-ip.dev/v1alpha1/addressbindings")).items).to.deep.equal([]);
  });

  it("E67 SEED-8: pulumi puts the stack's routes back, and destroy takes all of it away but the reserved addresses", async () => {
    const s = sandbox();
    await s.stack.pulumi(["up", "--yes", "--skip-preview", "--refresh"]);
    await eventually(() => expect(ours(s).rules).to.have.length.greaterThan(0), 60_000);
    await s.stack.pulumi(["destroy", "--yes", "--skip-preview"]);
    expect(ours(s)).to.deep.equal({ rules: [], targets: [] });
    const kept = s.world.emulator.list("addresses").map((a) => a.address);
    expect(kept).to.include.members(["34.123.20.1", "34.123.20.2"]);
    expect(s.world.emulator.list("forwardingRules").map((r) => r.name)).to.deep.equal(["foreign-fr"]);
    expect(s.world.clusters.size).to.equal(0);
  });
});
