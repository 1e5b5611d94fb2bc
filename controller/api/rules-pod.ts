// SPDX-License-Identifier: Apache-2.0
// What can be said for certain of a Pod that is to hold an address: that it can never answer. Where an application may bring its own way (raw
// sockets, an IP stack of its own), nothing is said. Measured in tests/kubelets/ways.test.ts.
import { warning, type Finding } from "./findings";

/** Init container of `persistentIpPodSpec`, and its variable with the addresses, divided by blanks. */
export const INIT_CONTAINER = "persistent-ip";
export const ADDRESSES_VARIABLE = "PERSISTENT_IPS";

interface Capabilities {
  add?: readonly string[];
  drop?: readonly string[];
}
/** A container, as far as it matters here. Fields may have any shape: they are a user's. */
export interface ContainerView {
  name?: string;
  env?: readonly { name?: string; value?: unknown }[];
  securityContext?: { privileged?: boolean; capabilities?: Capabilities };
}
export interface PodSpecView {
  containers?: readonly ContainerView[];
  initContainers?: readonly ContainerView[];
}

/** What of a Pod decides whether it can answer. */
export interface PodReach {
  /** True where no container may add an address or read packets by itself. */
  powerless?: true;
  /** Addresses that the helper's init container puts on; undefined where there is none, or its list is not plain text. */
  prepared?: readonly string[];
}

const list = <T>(value: readonly T[] | undefined): readonly T[] => (Array.isArray(value) ? (value as readonly T[]) : []);
const named = (caps: readonly string[] | undefined, name: string): boolean =>
  list(caps).some((cap) => cap === name || cap === `CAP_${name}` || cap === "ALL");

/** NET_ADMIN is never a default; NET_RAW is one of container runtimes unless it is dropped. */
function powerful({ securityContext }: ContainerView): boolean {
  if (securityContext?.privileged === true) return true;
  const { add, drop } = securityContext?.capabilities ?? {};
  return named(add, "NET_ADMIN") || named(add, "NET_RAW") || !named(drop, "NET_RAW");
}

/** Reads a Pod's spec. Never throws: odd fields count as absent (E22). */
export function podReach(spec: PodSpecView): PodReach {
  const isContainer = (c: unknown): c is ContainerView => typeof c === "object" && c !== null;
  const init = list(spec.initContainers).filter(isContainer);
  const all = [...init, ...list(spec.containers).filter(isContainer)];
  const value = list(init.find((c) => c.name === INIT_CONTAINER)?.env).find((e) => e?.name === ADDRESSES_VARIABLE)?.value;
  return {
    ...(all.length > 0 && !all.some(powerful) ? { powerless: true as const } : {}),
    ...(typeof value === "string" ? { prepared: value.split(" ").filter((a) => a !== "") } : {}),
  };
}

/**
 * Why a Pod will never answer on some of these addresses (SEED-7, SEED-24, SEED-73). Warnings: the route is right, the Pod is not.
 * @param path where the Pod is said, for a preview; the Pod's name otherwise
 */
export function podFindings(reach: PodReach, addresses: readonly string[], path: string): Finding[] {
  if (reach.powerless)
    return [
      warning(
        "PodCannotAnswer",
        path,
        "no container may add an address (NET_ADMIN) or read packets by itself (NET_RAW), so nothing in the Pod can answer with a persistent address; " +
          "give it the init container of persistentIpPodSpec (docs/inside-the-pod.md)",
      ),
    ];
  const missing = reach.prepared ? addresses.filter((a) => !reach.prepared!.includes(a)) : [];
  if (missing.length === 0) return [];
  return [
    warning(
      "PodNotPrepared",
      path,
      `its init container ${INIT_CONTAINER} puts on ${reach.prepared!.join(", ") || "no address"} and not ${missing.join(", ")}: ` +
        "packets to what is missing are dropped inside the Pod; list every address that the Pod may ever hold",
    ),
  ];
}
