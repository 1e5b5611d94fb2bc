// SPDX-License-Identifier: Apache-2.0
// What this node is asked to do, before anything of the kernel is known: networks by name, addresses, and the Pod that each is for.
import { isIPv4 } from "node:net";
import { NodeError } from "./errors";

export interface NetworkIntent {
  name: string;
  /** Interface of the node; found by `nicAddress` where it is not named. */
  nic?: string;
  /** The NIC's own address (north-interfaces). */
  nicAddress?: string;
  /** Default: the gateway of the NIC's own routes. */
  gateway?: string;
  /** Number of its tables. Default: the one it has, or the lowest that is free. */
  index?: number;
}
export interface PodIntent {
  namespace?: string;
  name: string;
  uid: string;
  /** The Pod's own address on the network. */
  ip?: string;
  mac?: string;
  /** Interface of the node that leads to the Pod, where it is known beforehand. */
  hostInterface?: string;
}
export interface AddressIntent {
  address: string;
  network: string;
  generation: number;
  /** The Pod of this node that the address is for. Absent: of no Pod here. */
  pod?: PodIntent;
  /** Other Pods of this node that may still send with it; none of them needs to be there. */
  leaving?: PodIntent[];
  standby?: boolean;
  /** Which order to stand by this is; given back with the answer. */
  since?: string;
  /** Why nothing can be done for it although it is this node's turn. */
  problem?: string;
}
export interface Intent {
  networks: NetworkIntent[];
  addresses: AddressIntent[];
}

type Json = { [key: string]: unknown };
const isObject = (v: unknown): v is Json => typeof v === "object" && v !== null && !Array.isArray(v);

/**
 * Reads an intent from JSON text, as `--desired FILE` holds it.
 * @throws NodeError BadIntent naming the field
 */
export function parseIntent(text: string): Intent {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new NodeError("BadIntent", `not JSON: ${(error as Error).message}`, error);
  }
  if (!isObject(value)) throw new NodeError("BadIntent", "must be an object with networks and addresses");
  const networks = list(value, "networks").map((n, i) => networkOf(n, `networks[${i}]`));
  const addresses = list(value, "addresses").map((a, i) => addressOf(a, `addresses[${i}]`));
  const names = new Set(networks.map((n) => n.name));
  const stray = addresses.find((a) => !names.has(a.network));
  if (stray)
    throw new NodeError("BadIntent", `addresses: ${stray.address} is on network ${stray.network}, which is not in networks`);
  return { networks, addresses };
}
function list(value: Json, field: string): Json[] {
  const found = value[field] ?? [];
  if (!Array.isArray(found) || !found.every(isObject)) throw new NodeError("BadIntent", `${field}: must be a list of objects`);
  return found;
}
const need = (o: Json, field: string, path: string): string => {
  const v = o[field];
  if (typeof v !== "string" || v === "") throw new NodeError("BadIntent", `${path}.${field}: must be a string`);
  return v;
};
const ipv4 = (text: string, path: string): string => {
  if (!isIPv4(text)) throw new NodeError("BadIntent", `${path}: ${text} is not an IPv4 address`);
  return text;
};
/** Names end up as words of a command line: nothing but what an interface can be called. */
const INTERFACE = /^[\w.:@+-]{1,15}$/;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;
function optional<K extends string>(o: Json, field: K, path: string, ok: (text: string) => boolean): { [k in K]?: string } {
  if (o[field] === undefined) return {};
  const v = need(o, field, path);
  if (!ok(v)) throw new NodeError("BadIntent", `${path}.${field}: ${v} is not valid`);
  return { [field]: v } as { [k in K]?: string };
}
const whole = (v: unknown, path: string): number => {
  if (typeof v !== "number" || !Number.isInteger(v) || v < 0) throw new NodeError("BadIntent", `${path}: must be a whole number`);
  return v;
};

function networkOf(o: Json, path: string): NetworkIntent {
  return {
    name: need(o, "name", path),
    ...optional(o, "nic", path, (t) => INTERFACE.test(t)),
    ...optional(o, "nicAddress", path, isIPv4),
    ...optional(o, "gateway", path, isIPv4),
    ...(o.index === undefined ? {} : { index: whole(o.index, `${path}.index`) }),
  };
}
function addressOf(o: Json, path: string): AddressIntent {
  const address = ipv4(need(o, "address", path), `${path}.address`);
  return {
    address,
    network: need(o, "network", path),
    generation: whole(o.generation ?? 0, `${path}.generation`),
    ...(o.standby === true ? { standby: true } : {}),
    ...(isObject(o.pod) ? { pod: podOf(o.pod, `${path}.pod`) } : {}),
    ...(o.leaving === undefined ? {} : { leaving: list(o, "leaving").map((p, i) => podOf(p, `${path}.leaving[${i}]`)) }),
  };
}
function podOf(o: Json, path: string): PodIntent {
  return {
    name: need(o, "name", path),
    uid: typeof o.uid === "string" ? o.uid : "",
    ...(typeof o.namespace === "string" ? { namespace: o.namespace } : {}),
    ...optional(o, "ip", path, isIPv4),
    ...optional(o, "mac", path, (t) => MAC.test(t)),
    ...optional(o, "hostInterface", path, (t) => INTERFACE.test(t)),
  };
}
/** True for a value that may stand in a command line. */
export const isInterfaceName = (text: string): boolean => INTERFACE.test(text);
export const isMac = (text: string): boolean => MAC.test(text);
