// SPDX-License-Identifier: Apache-2.0
// How addresses follow Pods and who may attach: reaction modes, nothing to select, listeners, classes, and what status says meanwhile.
import { expect } from "chai";
import type { GKEIPRoute } from "../../controller/api";
import { spawn } from "node:child_process";
import { eventually } from "../support/clients";
import { condition, nodeOfPod, untilRoute, useSandbox, vmOf, type Sandbox } from "../support/sandbox";
import { deployment, gateway, proxyPod, route } from "../support/workloads";

let serial = 30;
/** A fresh namespace with its own reserved external address. */
async function place(s: Sandbox, name: string, labels: Record<string, string> = {}): Promise<{ ns: string; address: string }> {
  const address = `34.123.${serial++}.1`;
  await s.gcloud(["compute", "addresses", "create", name, "--region", "us-central1", "--addresses", address]);
  await s.kubectl(["apply", "-f", "-"], { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
  return { ns: name, address };
}
const apply = (s: Sandbox, ...objects: object[]): Promise<string> =>
  s.kubectl(["apply", "-f", "-"], { apiVersion: "v1", kind: "List", items: objects });

describe("seed: behaviour while Pods change", function () {
  this.timeout(120_000);
  const sandbox = useSandbox();

  it("SEED-10 SEED-11 SEED-62 SEED-63 SEED-86 E8: by default a newer Pod that is not Ready does not take the address", async () => {
    const s = sandbox();
    const { ns, address } = await place(s, "ready-mode");
    await apply(
      s,
      gateway(ns, "gw", [address]),
      route(ns, "r", { addresses: [address], selector: { component: "proxy" } }),
      proxyPod(ns, "older"),
    );
    expect((await s.route(ns, "r")).spec.reactionMode).to.equal("ReadyCondition");
    await untilRoute(s, ns, "r", { status: "True", pod: "older" });
    await apply(s, proxyPod(ns, "newer", { annotations: { "sandbox.gke-persistent-ip.dev/ready": "false" } }));
    await s.kubectl(["wait", "--for=jsonpath={.status.phase}=Running", "-n", ns, "pod/newer", "--timeout=30s"]);
    await new Promise((r) => setTimeout(r, 2_000));
    expect((await s.route(ns, "r")).status?.pods).to.deep.equal(["older"]);
  });

  it("SEED-80 SEED-85 SEED-88 S18 E6: with reactionMode Exists the newest Pod with a node is chosen although it is not Ready", async () => {
    const s = sandbox();
    const { ns, address } = await place(s, "exists-mode");
    const unready = { "sandbox.gke-persistent-ip.dev/ready": "false" };
    await apply(
      s,
      gateway(ns, "gw", [address]),
      route(ns, "r", { addresses: [address], selector: { component: "proxy" }, reactionMode: "Exists" }),
    );
    await apply(s, proxyPod(ns, "older"));
    await s.kubectl(["wait", "--for=condition=Ready", "-n", ns, "pod/older", "--timeout=30s"]);
    await new Promise((r) => setTimeout(r, 1_100));
    await apply(s, proxyPod(ns, "newer", { annotations: unready }));
    await untilRoute(s, ns, "r", { status: "True", pod: "newer" });
    expect(await vmOf(s, address)).to.equal(await nodeOfPod(s, ns, "newer"));
  });

  it("E10 S2 SEED-83 SEED-85: scaled to zero the route says NoPodsFound; scaled up again it is Ready without being touched", async () => {
    const s = sandbox();
    const { ns, address } = await place(s, "scale-zero");
    await apply(
      s,
      gateway(ns, "gw", [address]),
      deployment(ns, "web", 1),
      route(ns, "r", { addresses: [address], selector: { app: "web" } }),
    );
    await untilRoute(s, ns, "r", { status: "True" });
    await s.kubectl(["scale", "-n", ns, "deployment/web", "--replicas=0"]);
    const empty = await untilRoute(s, ns, "r", { status: "False", reason: "NoPodsFound" });
    expect(empty.status?.pods ?? []).to.deep.equal([]);
    for (const type of ["GCPReady", "DPV2Ready"])
      expect(condition(empty, type)).to.include({ status: "False", reason: "NoPodsFound" });
    await s.kubectl(["scale", "-n", ns, "deployment/web", "--replicas=2"]);
    await untilRoute(s, ns, "r", { status: "True" });
  });

  it("SEED-91 SEED-92 SEED-93 E60: during a move the status says Mutated, Ready is never True for the new Pod before the cloud has moved", async () => {
    const s = sandbox();
    const { ns, address } = await place(s, "mutated");
    await apply(
      s,
      gateway(ns, "gw", [address]),
      route(ns, "r", { addresses: [address], selector: { component: "proxy" } }),
      proxyPod(ns, "first"),
    );
    await untilRoute(s, ns, "r", { status: "True", pod: "first" });
    // Raw watch events: every version of the object as the server sends it.
    const url = `/apis/networking.gke.io/v1/namespaces/${ns}/gkeiproutes?watch=true&fieldSelector=metadata.name%3Dr`;
    const child = spawn(s.world.tools.kubectl, ["get", "--raw", url], { env: { ...process.env, ...s.env } });
    const versions = (): string[] =>
      text
        .split("\n")
        .slice(0, -1)
        .map((line) => (JSON.parse(line) as { object: GKEIPRoute }).object.status)
        .map(
          (status) =>
            `${status?.conditions?.map((c) => ` ${c.type}=${c.status}/${c.reason}`).join("") ?? ""} -> ${status?.pods?.[0] ?? ""}`,
        );
    let text = "";
    child.stdout.on("data", (d: Buffer) => (text += d.toString()));
    try {
      await eventually(() => expect(versions().join()).to.contain("first"), 10_000);
      await new Promise((r) => setTimeout(r, 1_100));
      await apply(s, proxyPod(ns, "second"));
      await eventually(() => {
        if (
          !/ Ready=True\/ProgrammingComplete -> second|DPV2Ready=True.* Ready=True.*-> second| Ready=True.*DPV2Ready=True.*-> second/.test(
            versions().join("\n"),
          )
        )
          throw new Error(`not Ready with the second Pod:\n${versions().join("\n")}`);
      }, 30_000);
    } finally {
      child.kill();
    }
    const lines = versions().filter((l) => l.endsWith("second"));
    for (const word of [
      / Accepted=True\/Accepted/,
      / GCPReady=False\/Mutated/,
      / DPV2Ready=False\/Mutated/,
      / Ready=False\/Mutated/,
    ])
      expect(lines[0]).to.match(word);
    for (const line of lines.filter((l) => / Ready=True/.test(l)))
      expect(line)
        .to.match(/ GCPReady=True/)
        .and.to.match(/ DPV2Ready=True/);
  });

  it("E3 S4: a holder that is being deleted loses the address at once, although it is still Ready", async () => {
    const s = sandbox();
    const { ns, address } = await place(s, "terminating");
    await apply(
      s,
      gateway(ns, "gw", [address]),
      route(ns, "r", { addresses: [address], selector: { component: "proxy" } }),
      proxyPod(ns, "stays"),
    );
    await untilRoute(s, ns, "r", { status: "True", pod: "stays" });
    await new Promise((r) => setTimeout(r, 1_100));
    await apply(s, proxyPod(ns, "leaves"));
    await untilRoute(s, ns, "r", { status: "True", pod: "leaves" });
    await s.kubectl(["delete", "pod", "-n", ns, "leaves", "--wait=false"]);
    await untilRoute(s, ns, "r", { status: "True", pod: "stays" });
    expect((await s.binding(address.replaceAll(".", "-"))).status?.lastMove?.cause).to.match(/PodTerminating|PodGone/);
  });

  it("SEED-59 S6 E11: a label taken off the holder takes the address from it, without a restart", async () => {
    const s = sandbox();
    const { ns, address } = await place(s, "relabel");
    await apply(
      s,
      gateway(ns, "gw", [address]),
      route(ns, "r", { addresses: [address], selector: { component: "proxy" } }),
      proxyPod(ns, "one"),
    );
    await untilRoute(s, ns, "r", { status: "True", pod: "one" });
    await s.kubectl(["label", "pod", "-n", ns, "one", "component=other", "--overwrite"]);
    await untilRoute(s, ns, "r", { status: "False", reason: "NoPodsFound" });
    await s.kubectl(["label", "pod", "-n", ns, "one", "component=proxy", "--overwrite"]);
    await untilRoute(s, ns, "r", { status: "True", pod: "one" });
  });

  it("SEED-60 S10: a matching Pod of another namespace is not selected", async () => {
    const s = sandbox();
    const { ns, address } = await place(s, "own-namespace");
    await s.kubectl(["create", "namespace", "neighbour"]);
    await apply(
      s,
      gateway(ns, "gw", [address]),
      route(ns, "r", { addresses: [address], selector: { component: "proxy" } }),
      proxyPod("neighbour", "stranger"),
    );
    await s.kubectl(["wait", "--for=condition=Ready", "-n", "neighbour", "pod/stranger", "--timeout=30s"]);
    await untilRoute(s, ns, "r", { status: "False", reason: "NoPodsFound" });
  });
});

describe("seed: who may attach, and both classes", function () {
  this.timeout(120_000);
  const sandbox = useSandbox();

  it("SEED-47 E40: a listener from Same takes routes of its own namespace only", async () => {
    const s = sandbox();
    const { ns, address } = await place(s, "same-ns");
    await s.kubectl(["create", "namespace", "same-other"]);
    await apply(s, gateway(ns, "gw", [address], { namespaces: { from: "Same" } }));
    await apply(s, route("same-other", "r", { addresses: [address], selector: { a: "b" }, gatewayNamespace: ns }));
    const refused = await untilRoute(s, "same-other", "r", { type: "Accepted", status: "False", reason: "Unattachable" });
    expect(condition(refused, "Accepted")?.message).to.contain("same-other");
    await apply(s, route(ns, "r", { addresses: [address], selector: { a: "b" } }));
    await untilRoute(s, ns, "r", { type: "Accepted", status: "True" });
    await eventually(async () => expect((await s.gateway(ns, "gw")).status?.listeners?.[0]?.attachedRoutes).to.equal(1));
  });

  it("SEED-46 SEED-50 E39: a listener from Selector follows the labels of the namespace", async () => {
    const s = sandbox();
    const { ns, address } = await place(s, "selector-gw");
    await s.kubectl(["create", "namespace", "selector-app"]);
    await apply(
      s,
      gateway(ns, "gw", [address], { namespaces: { from: "Selector", selector: { matchLabels: { edge: "yes" } } } }),
    );
    await apply(s, route("selector-app", "r", { addresses: [address], selector: { a: "b" }, gatewayNamespace: ns }));
    await untilRoute(s, "selector-app", "r", { type: "Accepted", status: "False", reason: "Unattachable" });
    await s.kubectl(["label", "namespace", "selector-app", "edge=yes"]);
    await untilRoute(s, "selector-app", "r", { type: "Accepted", status: "True" });
    await s.kubectl(["label", "namespace", "selector-app", "edge-"]);
    await untilRoute(s, "selector-app", "r", { type: "Accepted", status: "False", reason: "Unattachable" });
  });

  it("SEED-42 SEED-20: the internal class carries an internal address, on a rule with scheme INTERNAL in its VPC", async () => {
    const s = sandbox();
    const ns = "internal-class";
    await s.gcloud([
      "compute",
      "addresses",
      "create",
      ns,
      "--region",
      "us-central1",
      "--subnet",
      "edge-blue-network",
      "--addresses",
      "10.1.0.77",
    ]);
    await s.kubectl(["create", "namespace", ns]);
    await apply(
      s,
      gateway(ns, "gw", ["10.1.0.77"], { className: "gke-persistent-regional-internal-managed" }),
      route(ns, "r", { addresses: ["10.1.0.77"], selector: { component: "proxy" } }),
      proxyPod(ns, "one"),
    );
    await untilRoute(s, ns, "r", { status: "True", pod: "one" });
    const rules = await s.gcloudJson<{ IPAddress: string; loadBalancingScheme: string; network: string }[]>([
      "compute",
      "forwarding-rules",
      "list",
    ]);
    const rule = rules.find((r) => r.IPAddress === "10.1.0.77");
    expect(rule?.loadBalancingScheme).to.equal("INTERNAL");
    expect(rule?.network).to.match(/edge-blue-network$/);
    await s.kubectl(["wait", "--for=condition=Programmed", "-n", ns, "gateway/gw", "--timeout=40s"]);
  });

  it("SEED-41: our own external class works beside the seed's name", async () => {
    const s = sandbox();
    const { ns, address } = await place(s, "own-class");
    await apply(
      s,
      gateway(ns, "gw", [address], { className: "persistent-ip-regional-external" }),
      route(ns, "r", { addresses: [address], selector: { component: "proxy" } }),
      proxyPod(ns, "one"),
    );
    await untilRoute(s, ns, "r", { status: "True", pod: "one" });
  });

  it("SEED-57 E33: addresses are mutable: one more is added without disturbing the first, and taken away again", async () => {
    const s = sandbox();
    const { ns, address } = await place(s, "mutable-list");
    const other = (await place(s, "mutable-more")).address;
    await apply(
      s,
      gateway(ns, "gw", [address, other]),
      route(ns, "r", { addresses: [address], selector: { component: "proxy" } }),
      proxyPod(ns, "one"),
    );
    await untilRoute(s, ns, "r", { status: "True", pod: "one" });
    const before = (await s.binding(address.replaceAll(".", "-"))).status!;
    await apply(s, route(ns, "r", { addresses: [address, other], selector: { component: "proxy" } }));
    await untilRoute(s, ns, "r", { status: "True", pod: "one" });
    await eventually(async () => expect(await vmOf(s, other)).to.equal(await vmOf(s, address)));
    expect((await s.binding(address.replaceAll(".", "-"))).status!.generation).to.equal(before.generation);
    await apply(s, route(ns, "r", { addresses: [address], selector: { component: "proxy" } }));
    await eventually(async () => expect(await vmOf(s, other)).to.equal(undefined), 30_000);
    expect((await s.binding(address.replaceAll(".", "-"))).status!.generation).to.equal(before.generation);
  });
});
