// SPDX-License-Identifier: Apache-2.0
// The seed's Deployment as real containers under real kubelets. After everything that happens to its Pods the addresses are where SEED says, and
// packets prove it, both ways.
import { expect } from "chai";
import { drain, rollOut, uncordon, until } from "../../sandbox/packets/cluster-acts";
import { PLANNED_LOSS } from "../../sandbox/packets/bound";
import { SANDBOX_IMAGE } from "../../sandbox/image";
import type { Interval } from "../../sandbox/vpc";
import { ADDRESSES, DATAPATH, newestReady, podsOf, seedManifests, streaming, untilAt, useLab, type Pod } from "./world";

const NAMESPACE = "proxy-deploy-ns";
const NAME = "proxy-deploy";

describe("the seed's Deployment under real kubelets", function () {
  this.timeout(90_000);
  const lab = useLab();
  const holder = (): Promise<Pod> => untilAt(lab(), NAMESPACE, newestReady);
  const nodeOf = (pod: Pod): string => pod.spec.nodeName ?? "";
  const exec = (pod: Pod, ...command: string[]): Promise<string> =>
    lab().kubectl(["exec", "-n", NAMESPACE, pod.metadata.name, "--", ...command]);

  /** Invariant 4. Google's agent breaks before it makes, so only ours can promise it. */
  const losesNothing = (seen: Interval & { timeline: string }): void => {
    console.log(
      `      ${seen.lost} of ${seen.sent} packets lost, longest gap ${seen.longestGapMs ?? 0} ms, slowest answer ${seen.slowestMs} ms`,
    );
    if (seen.lost > 0 || process.env["SHOW_TIMELINE"]) console.log(seen.timeline);
    expect(seen.sent, "packets sent").to.be.greaterThan(2_000);
    if (DATAPATH === "linux") expect(seen.lost, `packets lost: ${JSON.stringify(seen.gaps)}`).to.be.at.most(PLANNED_LOSS);
  };

  before(async function () {
    this.timeout(90_000);
    if (this.test?.parent?.pending) return;
    await lab().kubectl(["create", "namespace", NAMESPACE]);
    for (const file of ["allowed-pod-ips.yaml", "deployment.yaml"])
      for (const object of seedManifests(file)) await lab().kubectl(["apply", "-f", "-"], object);
  });
  after(async function () {
    this.timeout(60_000);
    await lab()?.kubectl(["delete", "namespace", NAMESPACE, "--wait=true", "--timeout=50s"]);
  });

  it("gives both addresses to the newest Ready Pod, which answers and speaks first with them over TCP, UDP and ICMP (SEED-8, SEED-9, SEED-76)", async () => {
    const pod = await holder();
    const shown = await exec(pod, "ip", "-4", "addr", "show", "dev", "eth1");
    for (const address of ADDRESSES) expect(shown).to.contain(`inet ${address}/32`);
    expect(await lab().kubectl(["logs", "-n", NAMESPACE, pod.metadata.name, "-c", "persistent-ip"])).to.equal("");
  });

  it("runs the application without NET_ADMIN: the capability ended with the init container (SEED-74)", async () => {
    const pod = await holder();
    const failed = await exec(pod, "ip", "addr", "add", "192.0.2.1/32", "dev", "eth1").then(
      () => "it could",
      (error: unknown) => String(error),
    );
    expect(failed).to.contain("Operation not permitted");
  });

  it("follows a rollout to the newest Pod of the new ReplicaSet, from Pod to Pod, and loses no packet of 1000 a second (SEED-80, invariant 4)", async () => {
    const before = await podsOf(lab(), NAMESPACE);
    await holder();
    const seen = await streaming(lab(), NAMESPACE, async () => {
      await rollOut(lab().client, NAMESPACE, NAME, 60_000);
      const pod = await holder();
      expect(before.map((old) => old.metadata.name)).to.not.include(pod.metadata.name);
    });
    losesNothing(seen);
  });

  it("leaves a Pod whose readiness probe fails, and comes back when it succeeds (SEED-10, SEED-81)", async () => {
    const first = await holder();
    await exec(first, "touch", "/tmp/unready");
    const second = await untilAt(lab(), NAMESPACE, (pods) =>
      newestReady(pods.filter((pod) => pod.metadata.name !== first.metadata.name)),
    );
    expect(second.metadata.name).to.not.equal(first.metadata.name);
    await exec(first, "rm", "/tmp/unready");
    expect(
      (await untilAt(lab(), NAMESPACE, (pods) => pods.find((pod) => pod.metadata.name === first.metadata.name))).metadata.uid,
    ).to.equal(first.metadata.uid);
  });

  it("comes back to the newest Pod after its container crashed; the addresses outlive the container (SEED-10)", async () => {
    const pod = await holder();
    await exec(pod, "sh", "-c", "kill -9 $(pgrep -f /app/hello.js) || kill 1").catch(() => undefined); // it ends with its container
    await until(20_000, "the container was started again", async () => {
      const seen = await lab().kubectl([
        "get",
        "pod",
        "-n",
        NAMESPACE,
        pod.metadata.name,
        "-o=jsonpath={.status.containerStatuses[0].restartCount}",
      ]);
      return Number(seen) > 0;
    });
    const now = await holder();
    expect(now.metadata.uid).to.equal(pod.metadata.uid);
  });

  it("never goes to a newer Pod in a crash loop (SEED-10)", async () => {
    const pod = await holder();
    const annotations = JSON.parse(
      await lab().kubectl(["get", "pod", "-n", NAMESPACE, pod.metadata.name, "-o=jsonpath={.metadata.annotations}"]),
    ) as Record<string, string>;
    const kept = Object.fromEntries(Object.entries(annotations).filter(([key]) => /interfaces?$/.test(key)));
    const probe = { tcpSocket: { port: 1 }, periodSeconds: 1 };
    await lab().kubectl(["apply", "-f", "-"], {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "crashing", namespace: NAMESPACE, labels: { component: "proxy" }, annotations: kept },
      spec: {
        containers: [
          { name: "hello-app", image: SANDBOX_IMAGE, command: ["sh", "-c", "sleep 0.3; exit 1"], readinessProbe: probe },
        ],
        terminationGracePeriodSeconds: 0,
      },
    });
    await until(30_000, "the Pod crashes again and again", async () => {
      const seen = await lab().kubectl([
        "get",
        "pod",
        "-n",
        NAMESPACE,
        "crashing",
        "-o=jsonpath={.status.containerStatuses[0].restartCount}",
      ]);
      return Number(seen) >= 2;
    });
    expect((await holder()).metadata.uid).to.equal(pod.metadata.uid);
    await lab().kubectl(["delete", "pod", "-n", NAMESPACE, "crashing", "--wait=false"]);
  });

  it("leaves a node that is drained, and loses no packet of 1000 a second (SEED-18, invariant 4)", async () => {
    const pod = await holder();
    const seen = await streaming(lab(), NAMESPACE, async () => {
      await drain(lab().client, nodeOf(pod), 60_000);
      const now = await holder();
      expect(nodeOf(now)).to.not.equal(nodeOf(pod));
    });
    await uncordon(lab().client, nodeOf(pod));
    losesNothing(seen);
  });

  it("leaves a node whose kubelet stops, though its Pod lives on and still thinks that it has the addresses (E)", async () => {
    const { realNodes } = lab().world.cluster();
    const pod = await holder();
    const node = nodeOf(pod);
    await realNodes.stopKubelet(node);
    const now = await untilAt(lab(), NAMESPACE, (pods) => newestReady(pods.filter((one) => nodeOf(one) !== node)));
    expect(nodeOf(now)).to.not.equal(node);
    expect(
      await realNodes.run(node, "sh", ["-c", "grep -l hello.js /proc/[0-9]*/cmdline | wc -l"]),
      "its Pods live on",
    ).to.not.match(/^0/);
    realNodes.startKubelet(node);
    await holder();
  });

  it("leaves a node without power, and may come back with it (SEED-18, F)", async () => {
    const { nodes } = lab().world.cluster();
    const pod = await holder();
    const node = nodeOf(pod);
    await nodes.crash(node);
    const now = await untilAt(lab(), NAMESPACE, (pods) => newestReady(pods.filter((one) => nodeOf(one) !== node)));
    expect(nodeOf(now)).to.not.equal(node);
    await nodes.restore(node);
    await holder();
    expect(await lab().world.fabric!.spoofed(), "counted").to.be.a("number");
  });
});
