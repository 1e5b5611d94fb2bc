// SPDX-License-Identifier: Apache-2.0
// Takes away everything that carries our marks, and nothing else. Never done on exit: only when somebody asks for it.
import type { IpBatch } from "./coprocess";
import { NodeError } from "./errors";
import { Firewall } from "./firewall";
import { plan } from "./plan";
import type { Logger } from "./ports";
import { linkRows, neighRows, routeRows, ruleRows } from "./rows";
import type { Run } from "./run";
import { NUMBERS, type Kernel, type Numbers } from "./types";

/** @returns how many objects went @throws NodeError CommandFailed naming what the kernel would not let go */
export async function cleanup(o: { ip: IpBatch; run: Run; logger: Logger; numbers?: Numbers }): Promise<number> {
  const numbers = o.numbers ?? NUMBERS;
  const lines = plan({ networks: [], owned: [] }, await dump(o.ip), numbers).lines.map((l) => l.text);
  const failures = await o.ip.apply(lines);
  const firewall = new Firewall({ ...o, antiSpoof: "off", keepSource: "off", forwardAccept: "off" });
  const changes = await firewall.cleanup();
  const left = plan({ networks: [], owned: [] }, await dump(o.ip), numbers).lines;
  if (left.length > 0) {
    const why = failures.map((f) => `${f.line}: ${f.message}`).join("; ");
    throw new NodeError("CommandFailed", `${left.length} objects are still there: ${why}`);
  }
  return lines.length + changes;
}
async function dump(ip: IpBatch): Promise<Kernel> {
  const [links, rules, neighs, routes] = await ip.dump(["link show", "rule show", "neigh show", "route show table all"]);
  return { links: linkRows(links), rules: ruleRows(rules), neighs: neighRows(neighs), routes: routeRows(routes) };
}
