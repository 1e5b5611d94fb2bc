// SPDX-License-Identifier: Apache-2.0
// The part of SEED step 6 that every workload needs: routing brings packets to the Pod, and this makes the Pod accept them and answer with
// the same address. An init container adds addresses, a route and a rule for each source, with NET_ADMIN that ends with it.
import * as pulumi from "@pulumi/pulumi";
import { ADDRESSES_VARIABLE, INIT_CONTAINER, parseAddress } from "../controller/api";
import { isPlain, problem, refuse, when, type Problem } from "./problems";

/** A container, as far as this helper looks at it. Everything else is passed through. */
export interface PersistentIpContainer {
  name: pulumi.Input<string>;
  env?: pulumi.Input<pulumi.Input<object>[]>;
  lifecycle?: pulumi.Input<object>;
}

/** A Pod's spec, as far as this helper looks at it. Everything else is passed through. */
export interface PersistentIpPod {
  containers: PersistentIpContainer[];
  initContainers?: object[];
  hostNetwork?: pulumi.Input<boolean>;
  terminationGracePeriodSeconds?: pulumi.Input<number>;
}

export interface PersistentIpPodArgs {
  /**
   * Every address that the Pod may ever hold, not only those it holds now: that does no harm, since only the forwarding rule decides who gets
   * packets, and a Pod that puts an address on late loses what arrives before.
   */
  addresses: pulumi.Input<string>[];
  /** The Pod's interface on the addresses' network. Default: eth1. */
  interface?: string;
  /** Image with a POSIX shell, sed and an `ip` that knows rules. Default: docker.io/library/busybox:1.37. */
  image?: pulumi.Input<string>;
  /** Gateway of the interface's network. Default: found in the Pod's own routes. */
  gateway?: pulumi.Input<string>;
  /** Number of the routing table for answers. Default: 100. */
  table?: number;
  /**
   * Seconds that a Pod which is told to end goes on serving, so that its addresses move away from a living Pod and no packet is lost.
   * Containers with a preStop hook of their own keep it. 0: none. Default: 10.
   */
  drainSeconds?: number;
}

export const INIT_IMAGE = "docker.io/library/busybox:1.37";
export const INIT_NAME: string = INIT_CONTAINER;
const DRAIN_SECONDS = 10;
/** What is left of the grace period for the program's own end. */
const END_SECONDS = 5;
const DEFAULT_GRACE_SECONDS = 30;
const MOST_DRAIN_SECONDS = 600;

/**
 * What the init container runs. The gateway is that of the interface's routes, or the address that it reaches by its link. Said twice (a
 * container of a Pod whose sandbox lives on is started again) it changes nothing.
 */
export const INIT_SCRIPT: string = `routes=$(ip route show dev "$DEVICE")
gateway=$GATEWAY
[ -n "$gateway" ] || gateway=$(echo "$routes" | sed -n 's/.* via \\([0-9.]*\\).*/\\1/p' | head -n 1)
[ -n "$gateway" ] || gateway=$(echo "$routes" | sed -n 's/^\\([0-9.]*\\) .*scope link.*/\\1/p' | head -n 1)
ip route replace default \${gateway:+via "$gateway"} dev "$DEVICE" table "$TABLE"
for address in $${ADDRESSES_VARIABLE}; do
  ip addr show dev "$DEVICE" | grep -q "inet $address/32 " || ip addr add "$address/32" dev "$DEVICE"
  ip rule show | grep -q "from $address lookup $TABLE" || ip rule add pref 100 from "$address" lookup "$TABLE"
done
`;

/**
 * Makes a Pod able to use its persistent addresses (SEED-24, SEED-74, SEED-76): the same spec with an init container in front, the addresses in
 * the variable PERSISTENT_IPS, and a pause before the end.
 * @throws ArgumentError when an argument makes no sense, or when the Pod could never receive a packet
 */
export function persistentIpPodSpec<S extends PersistentIpPod>(spec: S, args: PersistentIpPodArgs): S {
  refuse({ component: "persistentIpPodSpec", name: INIT_NAME }, problemsOf(spec, args));
  const drain = args.drainSeconds ?? DRAIN_SECONDS;
  const list = pulumi.all(args.addresses).apply((all) => all.map(bare).join(" "));
  const addresses = args.addresses.every((a) => isPlain(a)) ? args.addresses.map(bare).join(" ") : list;
  return {
    ...spec,
    initContainers: [initContainer(args, addresses), ...(spec.initContainers ?? [])],
    containers: spec.containers.map((container) => ({
      ...container,
      env: withVariable(container.env, addresses),
      ...(drain > 0 && container.lifecycle === undefined ? { lifecycle: { preStop: { sleep: { seconds: drain } } } } : {}),
    })),
    ...(drain > 0 ? { terminationGracePeriodSeconds: grace(spec.terminationGracePeriodSeconds, drain) } : {}),
  };
}

/** Without the prefix: `34.123.10.1/32` is `34.123.10.1`. */
const bare = (address: string): string => address.replace(/\/32$/, "");

/** Never shorter than the pause and the program's own end, never shorter than what the program says. */
function grace(said: pulumi.Input<number> | undefined, drain: number): pulumi.Input<number> {
  const least = drain + END_SECONDS;
  if (said === undefined) return Math.max(DEFAULT_GRACE_SECONDS, least);
  return isPlain(said) ? Math.max(said, least) : pulumi.output(said).apply((known) => Math.max(known, least));
}

function withVariable(env: PersistentIpContainer["env"], value: pulumi.Input<string>): PersistentIpContainer["env"] {
  const own = { name: ADDRESSES_VARIABLE, value };
  if (env === undefined) return [own];
  return isPlain(env) ? [...env, own] : pulumi.output(env).apply((known) => [...known, own]);
}

function initContainer(args: PersistentIpPodArgs, addresses: pulumi.Input<string>): object {
  return {
    name: INIT_NAME,
    image: args.image ?? INIT_IMAGE,
    command: ["sh", "-ec", INIT_SCRIPT],
    env: [
      { name: ADDRESSES_VARIABLE, value: addresses },
      { name: "DEVICE", value: args.interface ?? "eth1" },
      { name: "TABLE", value: String(args.table ?? 100) },
      { name: "GATEWAY", value: args.gateway ?? "" },
    ],
    resources: { requests: { cpu: "10m", memory: "16Mi" }, limits: { memory: "32Mi" } },
    // The Pod's own settings may forbid root; this container needs it, with one capability, for a moment.
    securityContext: {
      runAsUser: 0,
      runAsNonRoot: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] },
      seccompProfile: { type: "RuntimeDefault" },
    },
  };
}

function problemsOf(spec: PersistentIpPod, args: PersistentIpPodArgs): Problem[] {
  const { addresses, interface: device = "eth1", table = 100, drainSeconds: drain = DRAIN_SECONDS } = args;
  return [
    ...when(addresses.length === 0, "Required", "addresses", "is empty; name every address that the Pod may ever hold"),
    ...addresses.flatMap(addressProblems),
    ...when(
      !/^[^\s/:]{1,15}$/.test(device),
      "Pattern",
      "interface",
      `${JSON.stringify(device)} is not a name of a Linux interface`,
    ),
    ...when(!whole(table, 1, 252), "Bounds", "table", `must be a whole number from 1 to 252, is ${table}`),
    ...when(
      !whole(drain, 0, MOST_DRAIN_SECONDS),
      "Bounds",
      "drainSeconds",
      `must be a whole number from 0 to ${MOST_DRAIN_SECONDS}, is ${drain}`,
    ),
    ...when(
      spec.hostNetwork === true,
      "Unusable",
      "hostNetwork",
      "a Pod in its node's network has no interface of its own on another network; no route can select it",
    ),
    ...when(
      (spec.initContainers ?? []).some((one) => (one as { name?: unknown }).name === INIT_NAME),
      "Exclusive",
      "initContainers",
      `there is one named ${INIT_NAME} already`,
    ),
  ];
}

function addressProblems(address: pulumi.Input<string>, i: number, all: readonly pulumi.Input<string>[]): Problem[] {
  if (!isPlain(address)) return [];
  const parsed = parseAddress(address);
  const path = `addresses[${i}]`;
  if (!parsed.ok) return [problem("InvalidAddress", path, parsed.message)];
  return when(all.indexOf(address) < i, "DuplicateAddress", path, `${address} is in the list twice`);
}

const whole = (n: number, least: number, most: number): boolean => Number.isInteger(n) && n >= least && n <= most;
