// SPDX-License-Identifier: Apache-2.0
// One Pod as one network namespace: eth0 and the interfaces of additional networks, each a veth to its node. A Pod in its node's network has none.
import type { Socket } from "node:net";
import type { PodInterface } from "../../gke";
import { Namespace, wire, type Doorway } from "../../vpc";
import { ROUTER_SYSCTLS } from "../node-network";
import type { HostCommand } from "../pod-command";
import type { PodPlace } from "../pod-place";
import type { PodFacts } from "../pod-sources";
import { PodError, type Pod } from "../pod-types";
import { l3Steps, vethName, type Step } from "../real/cni-server";

/** A node while it has power. */
export interface NodeSide {
  namespace: Namespace;
  doorway: Doorway;
  /** First address of the node's Pod range. */
  gateway: string;
}

export interface PodNamespaceOptions {
  pod: Pod;
  facts: PodFacts;
  /** Undefined while the node has no power. */
  node(): NodeSide | undefined;
  /** GKE's part: which interfaces the Pod gets. */
  attach(): Promise<PodInterface[]>;
  logs: string;
}

export class PodNamespace implements PodPlace {
  private net: Namespace | undefined;

  constructor(private readonly o: PodNamespaceOptions) {}

  async open(): Promise<void> {
    await this.close();
    const { pod, facts, logs } = this.o;
    const node = this.node();
    if (pod.spec.hostNetwork) return;
    const { uid } = pod.metadata;
    const net = (this.net = await Namespace.start(`pod-${uid.slice(0, 8)}`, logs));
    const { "net/ipv4/ip_forward": _, ...relaxed } = ROUTER_SYSCTLS;
    await net.sysctl(relaxed);
    const veth = `pod-${uid.slice(0, 8)}`;
    await wire(node.namespace, veth, net, "eth0");
    await node.namespace.ip(nodeLines(veth, node.gateway, facts.podIP));
    await net.ip(podLines(node.gateway, facts.podIP));
    for (const step of stepsOf(await this.o.attach(), uid, net.pid)) await this.perform(step, node.namespace, net);
  }

  async close(): Promise<void> {
    const { net } = this;
    this.net = undefined;
    await net?.stop();
  }

  inside({ command, args }: HostCommand): HostCommand {
    const { hostNetwork } = this.o.pod.spec;
    const space = hostNetwork ? this.node().namespace : this.net;
    if (!space) throw new PodError("ContainerCreating", "the Pod has no network yet");
    if (hostNetwork) return space.inside(command, args);
    const named = ["--uts", "sh", "-c", 'hostname "$0" && exec "$@"', this.o.pod.metadata.name.slice(0, 63)];
    return space.inside("unshare", [...named, command, ...args]);
  }

  connect(port: number, host = this.o.facts.podIP): Promise<Socket> {
    return this.node().doorway.connect(host, port);
  }

  private node(): NodeSide {
    const node = this.o.node();
    if (!node) throw new PodError("NodeDown", `node ${this.o.pod.spec.nodeName ?? "?"} has no power`);
    return node;
  }

  private async perform(step: Step, node: Namespace, pod: Namespace): Promise<void> {
    if ("node" in step) await node.ip(step.node);
    else if ("pod" in step) await pod.ip(step.pod);
    // Kernels before 6.x hide the neighbour settings from user namespaces; without them first packets wait, no more.
    else for (const [key, value] of Object.entries(step.sysctl)) await node.sysctl({ [key]: value }).catch(ignoreNeighbour(key));
  }
}

function ignoreNeighbour(key: string): (error: unknown) => void {
  return (error) => {
    if (!key.startsWith("net/ipv4/neigh/")) throw error;
  };
}

/** As the ptp plug-in: the gateway's address on every link, a route for the Pod. */
export function nodeLines(veth: string, gateway: string, podIP: string): string[] {
  return [`addr add ${gateway}/32 dev ${veth}`, `route add ${podIP}/32 dev ${veth} scope link`];
}

export function podLines(gateway: string, podIP: string): string[] {
  return [
    `addr add ${podIP}/32 dev eth0`,
    `route add ${gateway} dev eth0 scope link`,
    `route add default via ${gateway} dev eth0`,
  ];
}

/** What GKE's CNI plug-in would do for the additional networks. @throws PodError for a Device network */
export function stepsOf(interfaces: readonly PodInterface[], uid: string, pid: number): Step[] {
  return interfaces.flatMap((one, i) => {
    if (one.type === "L3") return l3Steps(one, vethName(uid, i), String(pid));
    throw new PodError(
      "FailedCreatePodSandBox",
      `network ${one.network} is a Device network; that needs nodes with kubelets (root)`,
    );
  });
}
