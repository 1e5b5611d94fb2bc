// SPDX-License-Identifier: Apache-2.0
// The sandbox's half of the CNI plug-in: asks GKE's part for a Pod's interfaces, and answers with the lines that make them.
import { createServer, type Server, type Socket } from "node:net";
import { rmSync } from "node:fs";
import type { PodInterface } from "../../gke";

export interface Question {
  command: string;
  node: string;
  namespace: string;
  pod: string;
  container: string;
  netns: string;
}
/** Lines for `ip -batch` on the node or in the Pod, or values of paths below /proc/sys on the node. */
export type Step = { node: string[] } | { pod: string[] } | { sysctl: Record<string, string> };
export interface Answer {
  /** In this order. */
  steps?: Step[];
  error?: string;
}

/** How a VM's interface is called on the node, and what the node needs to have it back after a Pod had it. */
export interface HostNic {
  device: string;
  ip: string;
  gateway: string;
}

export interface CniOptions {
  /** Socket file. */
  path: string;
  attach(node: string, namespace: string, pod: string): Promise<PodInterface[]>;
  /** @param nic name in the API, e.g. `nic1` */
  hostNic(node: string, nic: string): HostNic | undefined;
}

export interface CniServer {
  close(): void;
}

export async function startCniServer(options: CniOptions): Promise<CniServer> {
  rmSync(options.path, { force: true });
  const devices = new Map<string, { device: HostNic; name: string }>();
  const server: Server = createServer((socket) => serve(socket, (question) => answer(question, options, devices)));
  await new Promise<void>((done, fail) => server.once("error", fail).listen(options.path, done));
  server.unref();
  return { close: () => void server.close() };
}

function serve(socket: Socket, respond: (question: Question) => Promise<Answer>): void {
  let text = "";
  socket.on("error", () => undefined);
  socket.on("data", (data) => {
    text += data.toString();
    if (!text.endsWith("\n")) return;
    respond(JSON.parse(text) as Question).then(
      (found) => socket.end(JSON.stringify(found)),
      (error: unknown) => socket.end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) })),
    );
  });
}

async function answer(
  question: Question,
  options: CniOptions,
  devices: Map<string, { device: HostNic; name: string }>,
): Promise<Answer> {
  if (question.command === "DEL") return detach(question, devices);
  if (question.command !== "ADD") return {};
  const interfaces = await options.attach(question.node, question.namespace, question.pod);
  const steps = interfaces.flatMap((one, i) => {
    if (one.type === "L3") return l3Steps(one, vethName(question.container, i), question.netns);
    const device = options.hostNic(question.node, one.nic);
    if (!device) throw new Error(`node ${question.node} has no interface ${one.nic}`);
    devices.set(question.container, { device, name: one.name });
    return deviceSteps(one, device, question.netns);
  });
  return { steps };
}

/** Name of the host's end: 15 characters at most, and unlike the names of the ptp plug-in. */
export const vethName = (container: string, index: number): string => `net${index + 1}-${container.slice(0, 8)}`;

/** GKE's L3 type: a veth, the address as /32, the gateway by the link, proxy ARP on the node. */
export function l3Steps(one: PodInterface, veth: string, netns: string): Step[] {
  return [
    {
      node: [
        `link add ${veth} type veth peer name ${one.name} address ${one.mac} netns ${netns}`,
        `link set ${veth} up`,
        `route replace ${one.ip}/32 dev ${veth} scope link`,
      ],
    },
    {
      sysctl: {
        [`net/ipv4/conf/${veth}/proxy_arp`]: "1",
        [`net/ipv4/conf/${veth}/forwarding`]: "1",
        // The default would make first packets wait up to 0.8 s.
        [`net/ipv4/neigh/${veth}/proxy_delay`]: "0",
      },
    },
    { pod: podLines(one, one.gateway) },
  ];
}

/** GKE's Device type: the VM's interface itself moves into the Pod. */
export function deviceSteps(one: PodInterface, { device, gateway }: HostNic, netns: string): Step[] {
  return [
    { node: [`link set ${device} down`, `link set ${device} netns ${netns} name ${one.name}`] },
    { pod: podLines(one, gateway) },
  ];
}

function podLines(one: PodInterface, gateway: string): string[] {
  return [
    `link set ${one.name} up`,
    `addr add ${one.ip}/32 dev ${one.name}`,
    `route add ${gateway} dev ${one.name} scope link`,
    ...one.routes.map((to) => `route replace ${to} via ${gateway} dev ${one.name}`),
  ];
}

/** Brings a device home, before its namespace would take it along; a veth pair just goes with the Pod. */
function detach({ container, netns }: Question, devices: Map<string, { device: HostNic; name: string }>): Answer {
  const had = devices.get(container);
  devices.delete(container);
  if (!had || netns === "") return {};
  const { device, ip, gateway } = had.device;
  return {
    steps: [
      // Process 1, seen from the node's PID namespace, is the node's own.
      { pod: [`link set ${had.name} down`, `link set ${had.name} netns 1 name ${device}`] },
      {
        node: [
          `link set ${device} up`,
          `addr replace ${ip}/32 dev ${device}`,
          `route replace ${gateway} dev ${device} scope link`,
        ],
      },
    ],
  };
}
