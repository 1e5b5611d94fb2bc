// SPDX-License-Identifier: Apache-2.0
// `npm run coverage:ids [-- --kind E]`: where each id of the reference is shown. A fact needs a test that carries its id in the title; advice
// and prices may stand in README.md or docs/ instead. Exit code 1 and a list where something is shown nowhere.
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

export interface Known {
  topic: string;
  /** Advice, price or a pointer: a document may show it. */
  advice: boolean;
}
export interface Place {
  file: string;
  suite: string;
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

/** Every place that shows an id of the kind. */
function places(kind: Kind): Map<string, Place[]> {
  const found = new Map<string, Place[]>();
  const add = (ids: readonly string[], place: Place): void =>
    ids.forEach((id) => found.set(id, [...(found.get(id) ?? []), place]));
  for (const suite of suitesOf(testFiles(ROOT)))
    for (const file of suite.files)
      add(idsIn(titlesIn(file, read(path.join(ROOT, file))).join("\n"), kind), { file, suite: suite.name });
  for (const file of documents()) add(idsIn(read(path.join(ROOT, file)), kind), { file, suite: "document" });
  return found;
}

/** The table, and what is missing from it. A document shows advice only. */
export function table(
  ids: readonly string[],
  known: { [id: string]: Known },
  found: ReadonlyMap<string, readonly Place[]>,
): Row[] {
  return ids.map((id) => {
    const all = found.get(id) ?? [];
    const usable = all.filter((p) => p.suite !== "document" || known[id]?.advice);
    return { id, topic: known[id]?.topic ?? "", places: [...all], shown: usable.length > 0 };
  });
}

function line(row: Row): string {
  const tests = row.places.filter((p) => p.suite !== "document");
  const first = tests[0] ?? row.places[0];
  const more = row.places.length > 1 ? ` and ${row.places.length - 1} more` : "";
  const suites = [...new Set(row.places.map((p) => p.suite))].join(", ");
  return `${row.id.padEnd(8)} ${row.shown ? " " : "!"} ${row.topic.padEnd(40)} ${(first ? first.file + more : "-").padEnd(60)} ${suites}`;
}

function main(kind: Kind): void {
  const known = committed(kind);
  const ids = wanted(kind, known);
  const rows = table(ids, known, places(kind));
  rows.forEach((row) => console.log(line(row)));
  const gaps = rows.filter((row) => !row.shown);
  const unlisted = Object.keys(known).length > 0 ? ids.filter((id) => !known[id]) : [];
  console.log(
    `\n${rows.length - gaps.length} of ${rows.length} ids of kind ${kind} are shown by a test or, where they are advice, a document.`,
  );
  if (gaps.length > 0) console.log(`Missing: ${gaps.map((row) => row.id).join(", ")}`);
  if (unlisted.length > 0) console.log(`Not in tests/contract/${kind.toLowerCase()}-ids.json: ${unlisted.join(", ")}`);
  process.exitCode = gaps.length + unlisted.length > 0 ? 1 : 0;
}

if (require.main === module)
  try {
    new Command("coverage-ids")
      .addOption(new Option("--kind <kind>", "which ids").choices(KINDS).default("SEED"))
      .action((o: { kind: Kind }) => main(o.kind))
      .parse();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
