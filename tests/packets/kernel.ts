// SPDX-License-Identifier: Apache-2.0
// What is in the kernel of node n1: what carries our marks, and what does not, as the bytes that ip prints.
import type { LabAgent } from "./agent";
import { ip } from "./shell";

const OURS = /proto (122|0x7a)/;
const neighbours = (): string[] => ip("n1", "-4 neigh show nud permanent").split("\n");

/** Every object of the node that is not ours, as bytes. */
export const foreign = (): string =>
  [
    ...ip("n1", "-4 route show table all").split("\n"),
    ...ip("n1", "-4 rule show").split("\n"),
    ...neighbours(),
    ...ip("n1", "-4 -o addr show").split("\n"),
  ]
    .filter((line) => !OURS.test(line) || line.includes("table 300"))
    .join("\n");

/** Every object of ours, in an order that does not depend on the order of making. */
export const state = (): string =>
  [...ip("n1", "-4 route show table all").split("\n"), ...ip("n1", "-4 rule show").split("\n"), ...neighbours()]
    .filter((line) => OURS.test(line))
    .map((line) => line.trim())
    .sort()
    .join("\n");
/** A pass that began after now and wrote nothing. */
export async function quiet(agent: LabAgent): Promise<void> {
  const { pass } = agent.status()!;
  await agent.waitFor("a pass that writes nothing", (x) => x.pass > pass && x.lines === 0 && x.firewallChanges === 0);
}
