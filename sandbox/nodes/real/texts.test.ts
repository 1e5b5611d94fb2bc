// SPDX-License-Identifier: Apache-2.0
// What real nodes are told, as text: configuration and the lines of the CNI plug-in. That it works is shown by tests/kubelets.
import { expect } from "chai";
import { parse } from "yaml";
import { cniConfig, containerdSocket, containerdToml, initScript, kubeletYaml, type NodeLayout } from "./config";
import { deviceSteps, l3Steps, vethName } from "./cni-server";
import type { DatapathNode } from "./google-datapath";
import { GoogleDatapath } from "./google-datapath";

const LAYOUT: NodeLayout = {
  dir: "/tmp/pip-XXXXXX/1",
  name: "gke-edge-main-e2922330-1606",
  cgroup: "persistent-ip-1-a-1",
  ip: "10.0.0.2",
  podCidr: "10.200.1.0/24",
  caFile: "/tmp/ca.crt",
  cniSocket: "/tmp/pip-XXXXXX/cni.sock",
  leaseSeconds: 4,
};

describe("texts of a real node", () => {
  it("keep kubelet, containerd and CNI of several nodes apart", () => {
    const kubelet = parse(kubeletYaml(LAYOUT)) as Record<string, unknown>;
    expect(kubelet).to.include({ address: "10.0.0.2", cgroupRoot: "/persistent-ip-1-a-1", nodeLeaseDurationSeconds: 4 });
    expect(kubelet["containerRuntimeEndpoint"]).to.equal(`unix://${containerdSocket(LAYOUT.dir)}`);
    expect(containerdToml(LAYOUT)).to.contain('root = "/tmp/pip-XXXXXX/1/c"');
    expect(JSON.parse(cniConfig(LAYOUT))).to.have.nested.property("plugins[0].ipam.ranges[0][0].subnet", "10.200.1.0/24");
  });

  it("never let a kubelet write the machine's settings, nor a power cut leave mounts behind", () => {
    const script = initScript(LAYOUT, { kubelet: "/k", images: ["/a.tar"] });
    for (const key of ["vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops"])
      expect(script).to.contain(`/proc/sys/${key}`);
    expect(script).to.match(/mount --make-rprivate \/[^]*mount -t tmpfs[^]*mount --make-rshared \//);
    expect(containerdSocket(LAYOUT.dir).length).to.be.lessThan(108);
  });
});

describe("the CNI plug-in", () => {
  const one = {
    network: "blue-network",
    name: "eth1",
    type: "L3" as const,
    ip: "10.128.0.2",
    mac: "02:42:0a:80:00:02",
    gateway: "10.128.0.1",
    nic: "nic1",
    routes: ["10.9.0.0/16"],
  };

  it("makes a veth with the address as /32 and the gateway by the link, as GKE's L3 type (SEED-13)", () => {
    const [first, second, third] = l3Steps(one, vethName("0123456789abcdef", 0), "/run/netns/x") as [
      { node: string[] },
      { sysctl: object },
      { pod: string[] },
    ];
    expect(first.node[0]).to.equal(
      "link add net1-01234567 type veth peer name eth1 address 02:42:0a:80:00:02 netns /run/netns/x",
    );
    expect(Object.keys(second.sysctl)).to.include("net/ipv4/conf/net1-01234567/proxy_arp");
    expect(third.pod).to.include.members([
      "addr add 10.128.0.2/32 dev eth1",
      "route replace 10.9.0.0/16 via 10.128.0.1 dev eth1",
    ]);
    expect(vethName("0123456789abcdef", 0).length).to.be.at.most(15);
  });

  it("moves the VM's own interface into the Pod, as GKE's Device type (SEED-13)", () => {
    const steps = deviceSteps(
      { ...one, type: "Device" },
      { device: "eth1", ip: "10.1.0.2", gateway: "10.1.0.1" },
      "/run/netns/x",
    );
    expect(steps[0]).to.deep.equal({ node: ["link set eth1 down", "link set eth1 netns /run/netns/x name eth1"] });
    expect(JSON.stringify(steps[1])).to.contain("route add 10.1.0.1 dev eth1 scope link");
  });
});

describe("Google's datapath on a real node", () => {
  const lines: string[] = [];
  const node: DatapathNode = {
    ip: (some) => {
      lines.push(...some);
      return Promise.resolve();
    },
    show: (args) => Promise.resolve(JSON.stringify([{ dev: `veth-of-${args.at(-1)}` }])),
    nicOf: () => ({ nic: "nic1", device: "eth1", ip: "10.1.0.2", gateway: "10.1.0.1" }),
  };
  const moved = async (datapath: GoogleDatapath, ...entries: [string, string][]): Promise<string[]> => {
    lines.length = 0;
    await datapath.apply("n", new Map(entries));
    return [...lines];
  };

  it("breaks before it makes: entries that are no longer wanted go first (E59)", async () => {
    const datapath = new GoogleDatapath(() => node);
    await moved(datapath, ["34.123.10.1/32", "10.128.0.2"]);
    const then = await moved(datapath, ["34.123.10.2/32", "10.128.0.3"]);
    expect(then[0]).to.match(/^rule del .*from 34\.123\.10\.1\/32/);
    expect(then.findIndex((line) => line.startsWith("rule del pref 80"))).to.be.lessThan(
      then.findIndex((line) => line.startsWith("rule add")),
    );
  });

  it("says nothing to the kernel twice, and everything again after a power cut", async () => {
    const datapath = new GoogleDatapath(() => node);
    const first = await moved(datapath, ["34.123.10.1/32", "10.128.0.2"]);
    expect(await moved(datapath, ["34.123.10.1/32", "10.128.0.2"])).to.deep.equal([]);
    datapath.forget("n");
    expect(await moved(datapath, ["34.123.10.1/32", "10.128.0.2"])).to.deep.equal(first);
  });

  it("fails, so that its agent reports it, where the Pod has no interface there", async () => {
    const datapath = new GoogleDatapath(() => ({ ...node, show: () => Promise.resolve("[]") }));
    const error: unknown = await datapath.apply("n", new Map([["34.123.10.1/32", "10.128.0.9"]])).catch((e: unknown) => e);
    expect(String(error)).to.contain("10.128.0.9 has no interface on n");
  });
});
