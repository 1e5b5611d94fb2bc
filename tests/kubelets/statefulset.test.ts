// SPDX-License-Identifier: Apache-2.0
// The seed's StatefulSet as real containers: the addresses stay with one replica's name, whatever happens to its Pod.
import { expect } from "chai";
import { deletePod, until } from "../../sandbox/packets/cluster-acts";
import { seedManifests, untilAt, useLab, type Pod } from "./world";

const NAMESPACE = "proxy-ss-ns";
const REPLICA = "proxy-ss-1";

describe("the seed's StatefulSet under real kubelets", function () {
  this.timeout(90_000);
  const lab = useLab();
  const holder = (): Promise<Pod> =>
    untilAt(lab(), NAMESPACE, (pods) => pods.find((pod) => pod.metadata.name === REPLICA), 60_000);

  before(async function () {
    this.timeout(90_000);
    await lab().kubectl(["create", "namespace", NAMESPACE]);
    for (const file of ["allowed-pod-ips.yaml", "statefulset.yaml"])
      for (const object of seedManifests(file)) await lab().kubectl(["apply", "-f", "-"], object);
  });
  after(async function () {
    this.timeout(60_000);
    await lab()?.kubectl(["delete", "namespace", NAMESPACE, "--wait=true", "--timeout=50s"]);
  });

  it("gives both addresses to the named replica and to no newer one (SEED-68)", async () => {
    const pod = await holder();
    await until(30_000, "the third replica runs", async () =>
      (await lab().kubectl(["get", "pods", "-n", NAMESPACE])).includes("proxy-ss-2"),
    );
    expect((await holder()).metadata.uid).to.equal(pod.metadata.uid);
  });

  it("gives them to the replica's next Pod when the first is deleted (SEED-18, SEED-68)", async () => {
    const pod = await holder();
    await deletePod(lab().client, NAMESPACE, REPLICA);
    const next = await untilAt(lab(), NAMESPACE, (pods) =>
      pods.find((one) => one.metadata.name === REPLICA && one.metadata.uid !== pod.metadata.uid),
    );
    expect(next.metadata.uid).to.not.equal(pod.metadata.uid);
  });

  it("waits for the replica through a power cut of its node, and has it again when the node is back (SEED-18, F)", async () => {
    const { nodes } = lab().world.cluster();
    const node = (await holder()).spec.nodeName ?? "";
    await nodes.crash(node);
    await until(30_000, "the replica is not Ready", async () => {
      const status = await lab().kubectl([
        "get",
        "pod",
        "-n",
        NAMESPACE,
        REPLICA,
        '-o=jsonpath={.status.conditions[?(@.type=="Ready")].status}',
      ]);
      return status !== "True";
    });
    await nodes.restore(node);
    const back = await holder();
    expect(back.metadata.name).to.equal(REPLICA);
  });
});
