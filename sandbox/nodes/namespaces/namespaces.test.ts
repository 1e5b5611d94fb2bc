// SPDX-License-Identifier: Apache-2.0
// What nodes and Pods made of namespaces are told, as text. That packets go through them is shown by tests/sandbox/namespaces.test.ts.
import { expect } from "chai";
import { PodError } from "../pod-types";
import { innerCommand } from "./enter";
import { nodeLines, podLines, stepsOf } from "./pod-namespace";
import { missingForNamespaces, withSystem } from "./requirements";

const L3 = {
  ...{ network: "blue-network", name: "eth1", type: "L3" as const, ip: "10.128.0.2", mac: "02:42:0a:80:00:02" },
  ...{ gateway: "10.128.0.1", nic: "nic1", routes: [] },
};

describe("a Pod as a namespace", () => {
  it("has its own address on eth0 as /32, its node's gateway by the link, and a route back", () => {
    expect(podLines("10.200.1.1", "10.200.1.254")).to.deep.equal([
      "addr add 10.200.1.254/32 dev eth0",
      "route add 10.200.1.1 dev eth0 scope link",
      "route add default via 10.200.1.1 dev eth0",
    ]);
    expect(nodeLines("pod-01234567", "10.200.1.1", "10.200.1.254")).to.deep.equal([
      "addr add 10.200.1.1/32 dev pod-01234567",
      "route add 10.200.1.254/32 dev pod-01234567 scope link",
    ]);
  });

  it("gets eth1 by the very steps of the CNI plug-in, into the namespace of a process (SEED-13)", () => {
    const [first] = stepsOf([L3], "0123456789abcdef", 4711) as [{ node: string[] }];
    expect(first.node[0]).to.match(/^link add net1-01234567 type veth peer name eth1 .* netns 4711$/);
  });

  it("cannot have a Device network, and the Pod says so", () => {
    expect(() => stepsOf([{ ...L3, type: "Device" }], "0123456789abcdef", 4711))
      .to.throw(PodError, "blue-network is a Device network")
      .with.property("reason", "FailedCreatePodSandBox");
  });
});

describe("the way into a user namespace", () => {
  it("makes user, network and mount namespaces, brings loopback up, asks no name server, and becomes the program", () => {
    const { command, args } = innerCommand(["main.js", "--once"]);
    expect([command, ...args.slice(0, 6)]).to.deep.equal(["unshare", "-U", "-r", "-n", "-m", "sh", "-ec"]);
    expect(args[6]).to.match(/^ip link set lo up\n.*\/etc\/resolv\.conf.*\nexec "\$@"$/);
    expect(args.slice(7)).to.deep.equal(["sandbox", process.execPath, "main.js", "--once"]);
  });

  it("finds administrators' programs where a user's PATH lacks their folders", () => {
    expect(withSystem({ PATH: "/usr/bin", HOME: "/h" })).to.deep.equal({
      PATH: "/usr/bin:/usr/local/sbin:/usr/sbin:/sbin",
      HOME: "/h",
    });
  });

  it("names each program that is missing with its package", async function () {
    if (process.platform !== "linux") return this.skip();
    const missing = await missingForNamespaces({ PATH: "/nowhere" });
    // Whatever this machine has: of a program no line says less than where it comes from.
    for (const line of missing.filter((one) => !one.startsWith("user namespaces")))
      expect(line).to.match(/\(Debian package .+\)$/);
  });
});
