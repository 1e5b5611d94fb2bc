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
    lines.push(`no kubelets here. Missing: ${missing.join("; ")}.`, `On Debian, as root: apt-get install ${PACKAGES}`);
  }
  const missing = await checks.namespaces();
  if (missing.length === 0)
    return {
      nodes: "namespaces",
      lines: [...lines, "Each node and each Pod is a network namespace, in a user namespace of yours."],
    };
  const advice = `On Debian, as root: apt-get install ${NAMESPACE_PACKAGES}`;
  return {
    lines: [...lines, `no real packets here, nodes are simulated. Missing: ${missing.join("; ")}.`, advice],
  };
}
