// SPDX-License-Identifier: Apache-2.0
// The commands: each turns flags into data and data into lines. Nothing here decides anything.
import { readFileSync, writeFileSync } from "node:fs";
import { KINDS, apiVersionOf, type KubeObject } from "../api";
import { analysisLines, analyze, objectsOf } from "./analyze";
import { checkItems, checkLines, runChecks } from "./check";
import { checkInput } from "./check-input";
import { parseDump, type Dump, type KindKey } from "./dump";
import { EXIT, UsageError, type ExitCode } from "./errors";
import { explain, explanationLines, type Explanation } from "./explain";
import { controllerMetrics, gather } from "./gather";
import { json, type Format } from "./print";
import type { CommonFlags, Session } from "./session";
import { statusLines, statusRows } from "./status";

const show = (s: Session, format: Format, data: unknown, lines: () => readonly string[]): void => {
  if (format === "json") s.terminal.out(json(data));
  else lines().forEach((line) => s.terminal.out(line));
};
const take = async (s: Session, flags: CommonFlags, kinds?: readonly KindKey[]): Promise<Dump> => {
  const { client } = s.connect(flags);
  const { dump } = await gather({ client, cloud: flags, now: s.now(), uuid: () => s.uuid(), ...(kinds ? { kinds } : {}) });
  for (const kind of dump.forbidden) s.terminal.err(`warning: you may not list ${KINDS[kind].plural}; answers go without them`);
  return dump;
};

const readText = (file: string): string => {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new UsageError(file, `cannot be read (${(error as Error).message})`, { cause: error });
  }
};

function showExplanations(s: Session, format: Format, found: readonly Explanation[], one: boolean): void {
  show(s, format, one ? found[0] : found, () =>
    found.flatMap((e, i) => [...(i > 0 ? ["", "---", ""] : []), ...explanationLines(e)]),
  );
}

/** `explain [ROUTE]`. */
export async function runExplain(s: Session, route: string | undefined, flags: CommonFlags): Promise<ExitCode> {
  const { namespace } = s.connect(flags);
  showExplanations(s, flags.output, await explain(await take(s, flags), route, namespace), route !== undefined);
  return EXIT.good;
}

/** `replay FILE [ROUTE]`: prints what `explain` printed when the file was written. */
export async function runReplay(s: Session, file: string, route: string | undefined, flags: CommonFlags): Promise<ExitCode> {
  const dump = parseDump(readText(file), file);
  showExplanations(s, flags.output, await explain(dump, route, flags.namespace ?? "default"), route !== undefined);
  return EXIT.good;
}

export type SysdumpFlags = CommonFlags & { file: string };
/** `sysdump -o FILE`. */
export async function runSysdump(s: Session, flags: SysdumpFlags): Promise<ExitCode> {
  const dump = await take(s, flags);
  const metrics = await controllerMetrics(s.connect(flags).client);
  const text = `${json({ ...dump, ...(metrics === undefined ? {} : { metrics }) })}\n`;
  if (flags.file === "-") s.terminal.out(text.trimEnd());
  else {
    writeFileSync(flags.file, text, { mode: 0o600 });
    const count = Object.values(dump.objects).reduce((n, list) => n + list.length, 0);
    const cloud = dump.cloud ? "with Google Cloud" : "without Google Cloud";
    s.terminal.out(`wrote ${flags.file}: ${count} objects, ${cloud}, ${metrics === undefined ? "without" : "with"} metrics`);
  }
  return EXIT.good;
}

export type StatusFlags = CommonFlags & { allNamespaces?: boolean; watch?: boolean };
const STATUS_KINDS = ["route", "binding"] as const;
const WATCH_EVERY_MS = 1_000;
/** `status [-w]`: with -w the table again whenever it is another, until the command is ended. */
export async function runStatus(s: Session, flags: StatusFlags): Promise<ExitCode> {
  const { namespace } = s.connect(flags);
  const of = flags.namespace === undefined || flags.allNamespaces ? undefined : namespace;
  let before: string | undefined;
  for (;;) {
    const dump = await take(s, { ...flags, project: undefined }, STATUS_KINDS);
    const rows = statusRows(dump, of);
    if (JSON.stringify(rows) !== before) show(s, flags.output, rows, () => statusLines(rows, s.now()));
    before = JSON.stringify(rows);
    if (!flags.watch) return EXIT.good;
    if (await s.sleep(WATCH_EVERY_MS)) return EXIT.good;
  }
}

export type AnalyzeFlags = CommonFlags & { filename?: string[]; all?: boolean };
/** `analyze -f FILE | --all`. */
export async function runAnalyze(s: Session, flags: AnalyzeFlags): Promise<ExitCode> {
  const files = flags.filename ?? [];
  if (files.length > 0 === (flags.all === true)) throw new UsageError("analyze", "needs either -f FILE or --all");
  const objects = flags.all
    ? await liveObjects(s, flags)
    : files.flatMap((file) => objectsOf(readText(file), file === "-" ? "standard input" : file));
  const analysis = analyze(objects, flags.namespace ?? "default");
  show(s, flags.output, analysis, () => analysisLines(analysis));
  return analysis.findings.some((f) => f.severity === "error") ? EXIT.bad : EXIT.good;
}
async function liveObjects(s: Session, flags: CommonFlags): Promise<KubeObject[]> {
  const { objects } = await take(s, { ...flags, project: undefined }, ["route", "gateway"]);
  return (["route", "gateway"] as const).flatMap((k) =>
    objects[k].map((o) => ({ ...o, kind: KINDS[k].kind, apiVersion: apiVersionOf(KINDS[k]) })),
  );
}

export type CheckFlags = CommonFlags & { only?: string[] };
/** `check`. */
export async function runCheck(s: Session, flags: CheckFlags): Promise<ExitCode> {
  const known = checkItems().map((i) => i.id);
  const unknown = (flags.only ?? []).filter((id) => !known.includes(id));
  if (unknown.length > 0) throw new UsageError("--only", `there is no item ${unknown.join(", ")}; there are ${known.join(", ")}`);
  const { client } = s.connect(flags);
  const input = await checkInput({ client, cloud: flags, now: s.now(), uuid: () => s.uuid() });
  const checked = runChecks(input, flags.only);
  show(s, flags.output, checked, () => checkLines(checked));
  return checked.some((c) => c.status === "fail") ? EXIT.bad : EXIT.good;
}
