// SPDX-License-Identifier: Apache-2.0
// Whether an address really works: the client reaches it over TCP, UDP and ICMP, and the Pod that has it speaks first with it.
import { setTimeout as sleep } from "node:timers/promises";
import { CLIENT, CLIENT_PORT, type Reply, type Traffic } from "../vpc";

export const WEB_PORT = 8080;
/** Ports on which the workload echoes UDP, bound to each of its addresses. */
export const ECHO_PORTS = [9000, 9001, 9002, 9003] as const;

export const WAYS = ["tcp in", "udp in", "icmp in", "tcp out", "udp out", "icmp out"] as const;
export type Way = (typeof WAYS)[number];
export interface Reach {
  /** Host name of the Pod that answered over TCP. */
  pod: string;
  /** What each way showed: `ok`, or what went wrong. */
  ways: Record<Way, string>;
}

/**
 * Tries every way once.
 * @param control address by which the Pod is asked to speak first; another one than `address` where that may not work
 */
export async function reach(traffic: Traffic, address: string, control = address): Promise<Reach> {
  const out = (kind: string): Promise<Reply> =>
    traffic.get(control, WEB_PORT, `/from/${kind}?source=${address}&host=${CLIENT}&port=${CLIENT_PORT}`);
  const [page, udp, icmp, tcpOut, udpOut, icmpOut] = await Promise.all([
    traffic.get(address, WEB_PORT, "/"),
    traffic.udp(address, ECHO_PORTS[0], "hello"),
    traffic.ping(address),
    out("tcp"),
    out("udp"),
    out("icmp"),
  ]);
  const seen = (reply: Reply): string => judge(reply, (text) => text.trim() === `client ${address}`);
  return {
    pod: page.ok ? (/Hostname: (\S+)/.exec(page.text)?.[1] ?? "?") : "-",
    ways: {
      "tcp in": judge(page, (text) => text.includes(`Address: ${address}`) || text.includes(`:${address}`)),
      "udp in": judge(udp, (text) => text === "hello"),
      "icmp in": judge(icmp, () => true),
      "tcp out": seen(tcpOut),
      "udp out": seen(udpOut),
      "icmp out": judge(icmpOut, (text) => text.includes(" 0% packet loss")),
    },
  };
}

function judge(reply: Reply, good: (text: string) => boolean): string {
  if (!reply.ok) return reply.error.split("\n")[0] ?? "no answer";
  return good(reply.text) ? "ok" : `unexpected answer ${JSON.stringify(reply.text.slice(0, 120))}`;
}

export const works = (found: Reach): boolean => Object.values(found.ways).every((said) => said === "ok");

/**
 * Tries until every way works, and the Pod is the wanted one if one is wanted.
 * @throws Error with what was seen last
 */
export async function untilReached(traffic: Traffic, address: string, timeoutMs: number, pod?: string): Promise<Reach> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await reach(traffic, address);
    if (works(found) && (pod === undefined || found.pod === pod)) return found;
    if (Date.now() > deadline)
      throw new Error(
        `${address} ${pod === undefined ? "" : `should be Pod ${pod} and `}does not work: ${JSON.stringify(found)}`,
      );
    await sleep(100);
  }
}
