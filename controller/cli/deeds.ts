// SPDX-License-Identifier: Apache-2.0
// The commands that may change something: `move` writes one annotation, `gc --delete` removes left-overs.
import { KINDS, type AddressBinding } from "../api";
import { resourcePath } from "../kubernetes";
import { EXIT, UsageError, type ExitCode } from "./errors";
import { collect, gcLines } from "./gc";
import { fabricOf, gather } from "./gather";
import { askForMove, moveLines, moveNews, planMove, type MovePlan } from "./move";
import { json } from "./print";
import type { CommonFlags, Session } from "./session";

export type MoveFlags = CommonFlags & { to?: string; clear?: boolean; timeout: number };
const LOOK_EVERY_MS = 200;

/** `move ADDRESS --to POD | --clear`. */
export async function runMove(s: Session, address: string, flags: MoveFlags): Promise<ExitCode> {
  if ((flags.to === undefined) !== (flags.clear === true)) throw new UsageError("move", "needs either --to POD or --clear");
  const { client } = s.connect(flags);
  const { dump } = await gather({ client, cloud: {}, now: s.now(), uuid: () => s.uuid() });
  const plan = await planMove(dump, address, flags.to);
  await askForMove(client, plan);
  if (plan.pod !== undefined) return waitForMove(s, plan, flags);
  s.terminal.out(`${plan.address}: the usual rule of route ${plan.route.namespace}/${plan.route.name} decides again`);
  return EXIT.good;
}

async function waitForMove(s: Session, plan: MovePlan, flags: MoveFlags): Promise<ExitCode> {
  const { client } = s.connect(flags);
  const until = s.now() + flags.timeout * 1000;
  const path = resourcePath(KINDS.binding, undefined, plan.binding.metadata.name);
  let phase = "";
  while (s.now() <= until) {
    const news = moveNews(plan.binding, await client.request<AddressBinding>("GET", path), plan.pod!);
    if (news.phase !== phase && flags.output === "table") s.terminal.err(`${plan.address}: ${news.phase}`);
    phase = news.phase;
    if (news.done) {
      if (flags.output === "json") s.terminal.out(json({ address: plan.address, ...news.done }));
      else moveLines(plan.address, news.done).forEach((line) => s.terminal.out(line));
      return EXIT.good;
    }
    if (await s.sleep(LOOK_EVERY_MS)) break;
  }
  const route = `${plan.route.namespace}/${plan.route.name}`;
  s.terminal.err(
    `error: ${plan.address} is not with ${plan.pod} yet (phase ${phase}); kubectl persistent-ip explain ${route} says why`,
  );
  return EXIT.bad;
}

export type GcFlags = CommonFlags & { delete?: boolean; clusterUid?: string };
/** `gc [--delete]`. */
export async function runGc(s: Session, flags: GcFlags): Promise<ExitCode> {
  const { client } = s.connect(flags);
  const { dump } = await gather({
    client,
    cloud: { ...flags, project: undefined },
    now: s.now(),
    uuid: () => s.uuid(),
    kinds: ["node"],
  });
  const own = dump.settings.clusterUid;
  const clusterUid = flags.clusterUid ?? own;
  const settings = { ...dump.settings, project: flags.project ?? dump.settings.project, clusterUid };
  const fabric = fabricOf(settings, flags, { uuid: () => s.uuid() });
  const report = await collect({ client, fabric, clusterUid, goneCluster: clusterUid !== own, remove: flags.delete === true });
  if (flags.output === "json") s.terminal.out(json(report));
  else gcLines(report).forEach((line) => s.terminal.out(line));
  return report.failed.length > 0 ? EXIT.bad : EXIT.good;
}
