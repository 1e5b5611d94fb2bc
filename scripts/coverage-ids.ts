// SPDX-License-Identifier: Apache-2.0
// `npm run coverage:ids [-- --kind E]`: where each id of the reference is shown: id, title of a test, kind of suite. A fact needs a test that
// carries its id in the title. Advice may stand in a document; what only packets or a live Google Cloud can show says so in the committed
// list and needs a test in tests/packets, or a line of docs/limits.md. Exit code 1 and a list where something is shown nowhere.
import * as fs from "node:fs";
import * as path from "node:path";
import { Command, Option } from "commander";
import { definedIds, idsIn, KINDS, titlesIn, type Kind } from "./ids";
import { suitesOf, testFiles } from "./suites";

const ROOT = path.resolve(__dirname, "..");
const REFERENCE = path.join(ROOT, "../shared/reference");
const PAGES: Record<Kind, string> = {
  ...{ SEED: "seed.md", E: "api.md" },
  ...{ S: "scenarios.md", A: "scenarios.md", T: "scenarios.md", C: "scenarios.md", F: "scenarios.md" },
};
const LIMITS = "docs/limits.md";

export interface Known {
  topic: string;
  /** Advice, price or a pointer: a document may show it. */
  advice?: boolean;
  /** `packets`: only packets can show it, so a test in tests/packets must. `limits`: only a live Google Cloud can, so docs/limits.md says it. */
  by?: "packets" | "limits";
}
export const SUITE_KINDS = ["unit", "simulator", "packets", "real", "document"] as const;
export type SuiteKind = (typeof SUITE_KINDS)[number];
export interface Place {
  file: string;
  kind: SuiteKind;
  /** Title of the test or group; empty for a document. */
  title: string;
}
export interface Row {
  id: string;
  topic: string;
  places: Place[];
  shown: boolean;
}

const read = (file: string): string => fs.readFileSync(file, "utf8");

/** The committed list of a kind; empty where there is none. */
function committed(kind: Kind): { [id: string]: Known } {
  const file = path.join(ROOT, "tests/contract", `${kind.toLowerCase()}-ids.json`);
  return fs.existsSync(file) ? (JSON.parse(read(file)) as { [id: string]: Known }) : {};
}

/** Ids to be shown: those of the reference page where it is here, else the committed list. @throws where there is neither */
function wanted(kind: Kind, list: { [id: string]: Known }): string[] {
  const page = path.join(REFERENCE, PAGES[kind]);
  if (fs.existsSync(page)) return definedIds(read(page), kind);
  if (Object.keys(list).length > 0) return Object.keys(list);
  throw new Error(`the ids of kind ${kind} are in shared/reference/${PAGES[kind]}, which is not beside this checkout`);
}

function documents(): string[] {
  const docs = path.join(ROOT, "docs");
  const pages = fs.existsSync(docs) ? fs.readdirSync(docs, { recursive: true, encoding: "utf8" }) : [];
  return [
    "README.md",
    ...pages.filter((p) => p.endsWith(".md") && !p.startsWith("adr")).map((p) => `docs/${p.split(path.sep).join("/")}`),
  ].filter((p) => fs.existsSync(path.join(ROOT, p)));
}

/** What a suite can show: `unit` needs Node.js only, `simulator` runs the whole controller in memory, `packets` sends real ones. */
export function kindOfSuite(suite: { name: string; kind: "fast" | "real" }): SuiteKind {
  if (suite.name === "simulator" || suite.name === "packets") return suite.name;
  return suite.kind === "fast" || suite.name === "fuzz" ? "unit" : "real";
}

/** Titles of tests by file, read once for all kinds of ids. */
function titles(): Place[] {
  return suitesOf(testFiles(ROOT)).flatMap((suite) =>
    suite.files.flatMap((file) =>
      titlesIn(file, read(path.join(ROOT, file))).map((title): Place => ({ file, kind: kindOfSuite(suite), title })),
    ),
  );
}

/** Every place that shows an id of the kind. */
function places(kind: Kind, tests: readonly Place[]): Map<string, Place[]> {
  const found = new Map<string, Place[]>();
  const add = (ids: readonly string[], place: Place): void =>
    ids.forEach((id) => found.set(id, [...(found.get(id) ?? []), place]));
  for (const place of tests) add(idsIn(place.title, kind), place);
  for (const file of documents()) add(idsIn(read(path.join(ROOT, file)), kind), { file, kind: "document", title: "" });
  return found;
}

/** Whether a place is of the sort that an id needs. */
function shows(place: Place, known: Known | undefined): boolean {
  if (place.kind === "document") return known?.advice === true || (known?.by === "limits" && place.file === LIMITS);
  return known?.by === "packets" ? place.kind === "packets" : true;
}

/** The table, and what is missing from it. */
export function table(
  ids: readonly string[],
  known: { [id: string]: Known },
  found: ReadonlyMap<string, readonly Place[]>,
): Row[] {
  return ids.map((id) => {
    const all = found.get(id) ?? [];
    return { id, topic: known[id]?.topic ?? "", places: [...all], shown: all.some((p) => shows(p, known[id])) };
  });
}

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text).padEnd(most);

function line(row: Row): string {
  const tests = row.places.filter((p) => p.kind !== "document");
  const first = tests[0] ?? row.places[0];
  const kinds = SUITE_KINDS.filter((k) => row.places.some((p) => p.kind === k)).join(", ");
  const more = tests.length > 1 ? ` (+${tests.length - 1})` : "";
  const title = (first?.title === "" ? first.file : first?.title) ?? "-";
  return `${row.id.padEnd(8)} ${row.shown ? " " : "!"} ${cut(row.topic, 42)} ${cut(title.replace(/\s+/g, " "), 80)} ${(first?.file ?? "-") + more}  [${kinds}]`;
}

/** Prints the table of a kind. @returns how many ids are wrong */
function report(kind: Kind, tests: readonly Place[]): number {
  const known = committed(kind);
  const ids = wanted(kind, known);
  const rows = table(ids, known, places(kind, tests));
  rows.forEach((row) => console.log(line(row)));
  const gaps = rows.filter((row) => !row.shown);
  const unlisted = ids.filter((id) => !known[id]);
  const stale = Object.keys(known).filter((id) => !ids.includes(id));
  console.log(
    `\n${rows.length - gaps.length} of ${rows.length} ids of kind ${kind} are shown: ${SUITE_KINDS.map((k) => `${rows.filter((r) => r.places.some((p) => p.kind === k)).length} ${k}`).join(", ")}.`,
  );
  if (gaps.length > 0)
    console.log(`Missing: ${gaps.map((row) => row.id + (known[row.id]?.by ? ` (${known[row.id]!.by})` : "")).join(", ")}`);
  if (unlisted.length > 0) console.log(`Not in tests/contract/${kind.toLowerCase()}-ids.json: ${unlisted.join(", ")}`);
  if (stale.length > 0) console.log(`In tests/contract/${kind.toLowerCase()}-ids.json only: ${stale.join(", ")}`);
  console.log("");
  return gaps.length + unlisted.length + stale.length;
}

function main(kinds: readonly Kind[]): void {
  const tests = titles();
  const wrong = kinds.map((kind) => report(kind, tests)).reduce((a, b) => a + b, 0);
  if (kinds.length > 1) console.log(wrong === 0 ? "Every id is shown." : `${wrong} ids are shown nowhere, or not listed.`);
  process.exitCode = wrong > 0 ? 1 : 0;
}

if (require.main === module)
  try {
    new Command("coverage-ids")
      .addOption(new Option("--kind <kind>", "which ids; all kinds where it is left out").choices(KINDS))
      .action((o: { kind?: Kind }) => main(o.kind ? [o.kind] : KINDS))
      .parse();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
