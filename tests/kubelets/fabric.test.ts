// SPDX-License-Identifier: Apache-2.0
// The VPC's namespace by itself: an address that comes back to a VM at the moment when its permission to send is about to be taken away keeps it.
import { expect } from "chai";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Emulator } from "../../sandbox/emulator";
import { Fabric, Namespace } from "../../sandbox/vpc";

const ADDRESS = "34.0.0.1";
const PROJECT = "projects/p/zones/z";
const IN_FLIGHT_MS = 1_000;

describe("the fabric of the sandbox", function () {
  this.timeout(40_000);
  let fabric: Fabric | undefined;
  const nodes: Namespace[] = [];
  const logs = mkdtempSync(join(tmpdir(), "fabric-"));
  let target = "a";
  let changed: () => void = () => undefined;
  const vms = ["a", "b"];
  const state: { [kind: string]: () => object[] } = {
    forwardingRules: () => [{ IPAddress: ADDRESS, target: `${PROJECT}/targetInstances/${target}` }],
    targetInstances: () =>
      vms.map((n) => ({ selfLink: `${PROJECT}/targetInstances/${n}`, instance: `${PROJECT}/instances/${n}` })),
    instances: () =>
      vms.map((n) => ({ selfLink: `${PROJECT}/instances/${n}`, name: n, networkInterfaces: [{ name: "nic0", network: "n" }] })),
  };
  const emulator = {
    list: (kind: string) => state[kind]?.() ?? [],
    onChange: (listener: (change: { kind: string }) => void) => {
      changed = () => listener({ kind: "forwardingRules" });
      return () => undefined;
    },
  } as unknown as Pick<Emulator, "list" | "onChange">;
  const switchTo = async (vm: string): Promise<void> => {
    target = vm;
    changed();
    await fabric!.settled();
  };

  before(async function () {
    if (process.getuid?.() !== 0) {
      console.log("      skipped: namespaces need root");
      return this.skip();
    }
    fabric = await Fabric.start({ emulator, logs, serviceAddresses: [] });
    for (const [i, vm] of vms.entries()) {
      const node = await Namespace.start(vm, logs);
      nodes.push(node);
      const nic = { nic: "nic0", device: "eth0", ip: `10.${i}.0.2`, gateway: `10.${i}.0.1` };
      await fabric.attach(vm, node, [nic]);
      await node.ip([`addr add ${ADDRESS}/32 dev lo`, `route add default via ${nic.gateway} dev eth0`]);
    }
    await fabric.settled();
  });
  after(async () => {
    await fabric?.stop();
    await Promise.all(nodes.map((n) => n.stop()));
    rmSync(logs, { recursive: true, force: true });
  });

  it("lets a VM send again to which an address came back, however close to the end of its permission that was", async () => {
    const client = fabric!.client;
    for (const before of [25, 15, 8, 4, 0]) {
      const left = Date.now();
      await switchTo("b");
      await sleep(Math.max(0, IN_FLIGHT_MS - before - (Date.now() - left)));
      await switchTo("a");
      await sleep(IN_FLIGHT_MS + 300);
      expect(await client.run("busybox", ["ping", "-c1", "-W2", ADDRESS]), `${before} ms before`).to.contain(
        "1 packets received",
      );
    }
    expect(await fabric!.spoofed()).to.equal(0);
  });
});
