// SPDX-License-Identifier: Apache-2.0
// What kind of nodes this machine can have where packets are to be real: kubelets as root, namespaces as any user, or none.
import { isInside, missingForNamespaces, NAMESPACE_PACKAGES } from "../nodes/namespaces";
import { missingForRealNodes, PACKAGES } from "../nodes/real";
import type { PacketNodes } from "../world/packets";

export interface Possible {
  /** Undefined: nodes can only be simulated. */
  nodes?: PacketNodes;
  /** Why it is not the kind before, for people. */
  lines: string[];
}

export interface Checks {
  inside(): boolean;
  kubelets(): Promise<string[]>;
  namespaces(): Promise<string[]>;
}

const MACHINE: Checks = {
  inside: () => isInside(),
  kubelets: () => missingForRealNodes(),
  namespaces: () => missingForNamespaces(),
};

/** The asked kind, or the next one that is possible. */
export async function possibleNodes(asked: PacketNodes | "auto", checks: Checks = MACHINE): Promise<Possible> {
  if (checks.inside()) return { nodes: "namespaces", lines: [] };
  const lines: string[] = [];
  if (asked !== "namespaces") {
    const missing = await checks.kubelets();
    if (missing.length === 0) return { nodes: "kubelets", lines };
    lines.push(...told("no kubelets here", missing, PACKAGES));
  }
  const missing = await checks.namespaces();
  if (missing.length === 0)
    return {
      nodes: "namespaces",
      lines: [...lines, "Each node and each Pod is a network namespace, in a user namespace of yours."],
    };
  return { lines: [...lines, ...told("no real packets here, nodes are simulated", missing, NAMESPACE_PACKAGES)] };
}

/** What is missing, and how to get it where a package is all. */
function told(what: string, missing: readonly string[], packages: string): string[] {
  const installable = missing.some((one) => one.includes("Debian package"));
  return [
    `${what}. Missing: ${missing.join("; ")}.`,
    ...(installable ? [`On Debian, as root: apt-get install ${packages}`] : []),
  ];
}
