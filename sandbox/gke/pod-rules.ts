// SPDX-License-Identifier: Apache-2.0
// Which additional networks a Pod asks for, and what GKE writes on it once it has addresses there. Pure.
import type { ConnectedNetwork } from "./node-rules";
import { ANNOTATIONS, isDefaultNetwork, type GkePod, type Network } from "./types";

interface InterfaceRequest {
  interfaceName?: string;
  network?: string;
  interface?: string;
}

/** Names of the additional networks that a Pod asks for, directly or through NetworkInterface objects. Unreadable is none. */
export function requestedNetworks(pod: GkePod, networkOfInterface: (name: string) => string | undefined): string[] {
  return requestedInterfaces(pod, networkOfInterface).map((request) => request.network);
}

/** The same with the names that the interfaces are to have in the Pod, where it says so. */
export function requestedInterfaces(
  pod: GkePod,
  networkOfInterface: (name: string) => string | undefined,
): { name?: string; network: string }[] {
  return parseRequests(pod).flatMap(({ interfaceName: name, network: direct, interface: object }) => {
    const network = direct ?? networkOfInterface(object ?? "");
    return network === undefined || isDefaultNetwork(network) ? [] : [{ ...(name ? { name } : {}), network }];
  });
}

function parseRequests(pod: GkePod): InterfaceRequest[] {
  const text = pod.metadata.annotations?.[ANNOTATIONS.interfaces];
  if (text === undefined) return [];
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? (parsed as InterfaceRequest[]) : [];
  } catch {
    return [];
  }
}

export interface PodAddress {
  network: string;
  ip: string;
}

/** Annotations for a Pod that has these addresses. */
export function podAnnotations(addresses: readonly PodAddress[], networks: ReadonlyMap<string, Network>): Record<string, string> {
  const status = addresses.map(({ network, ip }) => {
    const spec = networks.get(network)?.spec;
    return {
      networkName: network,
      ipAddresses: [`${ip}/32`],
      macAddress: macOf(ip),
      ...(spec?.routes ? { routes: spec.routes } : {}),
      ...(spec?.gateway4 ? { gateway4: spec.gateway4 } : {}),
      ...(spec?.dnsConfig ? { dnsConfig: spec.dnsConfig } : {}),
    };
  });
  return {
    [ANNOTATIONS.podIps]: JSON.stringify(addresses.map(({ network, ip }) => ({ networkName: network, ip }))),
    [ANNOTATIONS.interfaceStatus]: JSON.stringify(status),
  };
}

/** MAC address that goes with an address. */
export function macOf(ip: string): string {
  return ["02", "42", ...ip.split(".").map((octet) => Number(octet).toString(16).padStart(2, "0"))].join(":");
}

/** First usable address of a range. */
export function gatewayIn(cidr: string): string {
  const [address = "0.0.0.0", bits = "32"] = cidr.split("/");
  const number = toNumber(address);
  return toText(number - (number % 2 ** (32 - Number(bits))) + 1);
}

/** Hands out addresses of one range, the lowest free one first; the network's own address and the gateway's stay free. */
export class AddressPool {
  private readonly held = new Map<string, string>();
  private readonly base: number;
  private readonly size: number;

  constructor(cidr: string) {
    const [address = "0.0.0.0", bits = "32"] = cidr.split("/");
    this.size = 2 ** (32 - Number(bits));
    const number = toNumber(address);
    this.base = number - (number % this.size);
  }

  /** The owner's address, the same as before if it has one; undefined when the range is used up. */
  take(owner: string): string | undefined {
    const own = [...this.held].find(([, holder]) => holder === owner)?.[0];
    if (own !== undefined) return own;
    for (let i = 2; i < this.size - 1; i++) {
      const ip = toText(this.base + i);
      if (!this.held.has(ip)) {
        this.held.set(ip, owner);
        return ip;
      }
    }
    return undefined;
  }

  release(owner: string): void {
    for (const [ip, holder] of this.held) if (holder === owner) this.held.delete(ip);
  }
}

/** A Device network gives the NIC itself, and with it its one address, to one Pod. */
export class DevicePool {
  private holder: string | undefined;
  constructor(private readonly nic: Pick<ConnectedNetwork, "ip">) {}

  take(owner: string): string | undefined {
    this.holder ??= owner;
    return this.holder === owner ? this.nic.ip : undefined;
  }

  release(owner: string): void {
    if (this.holder === owner) this.holder = undefined;
  }
}

function toNumber(ip: string): number {
  return ip.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function toText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}
