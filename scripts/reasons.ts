// SPDX-License-Identifier: Apache-2.0
// `npm run docs:reasons [-- --check]`: makes docs/reasons.md from the table in controller/api/reasons.ts, and names for each reason a test that
// reaches it, found in the test files by title, else by body. A reason without a test is an error. A test that the page names already is kept while
// it still reaches the reason, so that a new test elsewhere does not change the page.
import * as fs from "node:fs";
import * as path from "node:path";
import ts from "typescript";
import { REASON_SECTIONS, type ReasonSection, type ReasonText } from "../controller/api";

const ROOT = path.resolve(__dirname, "..");
export const PAGE = "docs/reasons.md";

export interface FoundTest {
  file: string;
  /** Title of the test as it is written; parts that are computed are left out. */
  title: string;
  /** Literals and names of the test itself. */
  words: ReadonlySet<string>;
  /** Those of the group around it, for tests that come out of a table. */
  groupWords: ReadonlySet<string>;
  /** Those of the file. */
  fileWords: ReadonlySet<string>;
}

const CALLS: ReadonlySet<string> = new Set(["describe", "context", "it"]);
const callee = (node: ts.Node): string | undefined =>
  ts.isCallExpression(node) && ts.isIdentifier(node.expression) && CALLS.has(node.expression.text) && node.arguments.length > 1
    ? node.expression.text
    : undefined;

type Literal = ts.StringLiteralLike | ts.TemplateHead | ts.TemplateMiddle | ts.TemplateTail | ts.RegularExpressionLiteral;
const isLiteral = (n: ts.Node): n is Literal =>
  ts.isStringLiteralLike(n) ||
  ts.isTemplateHead(n) ||
  ts.isTemplateMiddle(n) ||
  ts.isTemplateTail(n) ||
  ts.isRegularExpressionLiteral(n);

/** Every word of the literals below a node, and codes among them with `=` before them. */
function wordsOf(node: ts.Node): Set<string> {
  const words = new Set<string>();
  const visit = (n: ts.Node): void => {
    if (isLiteral(n)) for (const w of n.text.match(/[A-Za-z0-9]+/g) ?? []) words.add(w);
    // A code that is one plain word counts only where it is clearly a code: "False/Invalid", "[Location]", or all of a literal.
    if (isLiteral(n))
      for (const [w] of n.text.matchAll(
        /(?<![A-Za-z0-9 ])[A-Z][A-Za-z0-9]+(?![A-Za-z0-9 ])|^[A-Z][A-Za-z0-9]+(?= [a-z]+\b[.[])/g,
      ))
        words.add(`=${w}`);
    if (ts.isPropertyAssignment(n) && ts.isIdentifier(n.name)) words.add(n.name.text);
    ts.forEachChild(n, visit);
  };
  visit(node);
  return words;
}
function titleOf(node: ts.Expression): string {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return "";
  return node.head.text + node.templateSpans.map((s) => `…${s.literal.text}`).join("");
}

/** Tests of one file. */
export function testsIn(file: string, source: string): FoundTest[] {
  const found: FoundTest[] = [];
  const root = ts.createSourceFile(file, source, ts.ScriptTarget.ES2022, true);
  const fileWords = wordsOf(root);
  const visit = (node: ts.Node, group: { title: string; words: ReadonlySet<string> }): void => {
    const kind = callee(node);
    const title = kind ? titleOf((node as ts.CallExpression).arguments[0]!) : "";
    if (kind === "it") {
      found.push({
        file,
        title: [group.title, title].filter((t) => t !== "").join(": "),
        words: wordsOf(node),
        groupWords: group.words,
        fileWords,
      });
      return;
    }
    const inner = kind ? { title, words: wordsOf(node) } : group;
    ts.forEachChild(node, (child) => visit(child, inner));
  };
  visit(root, { title: "", words: new Set() });
  return found;
}

/** One word, such as Accepted or Type, means anything in a title; only a literal of its own means the code. */
const oneWord = (code: string): boolean => !/[a-z][A-Z]/.test(code);

/** How well a test shows a code; 0: not at all. */
function score({ title, words, groupWords, fileWords }: FoundTest, code: string): number {
  const inTitle = !oneWord(code) && new RegExp(`(?<![A-Za-z0-9])${code}(?![A-Za-z0-9])`).test(title);
  const known = (set: ReadonlySet<string>): boolean => set.has(`=${code}`) || (!oneWord(code) && set.has(code));
  const good = inTitle ? 6 : known(words) ? 4 : known(groupWords) ? 3 : known(fileWords) ? 2 : 0;
  // A title out of a table tells nothing by itself.
  return good > 0 && !/[a-z]{3}/.test(title) ? 1 : good;
}
const nameOf = (t: FoundTest): string => `${t.title.replace(/[|`]/g, "").replace(/\s+/g, " ")} (${t.file.split("/").at(-1)})`;

/** Names of the tests that reach a code, the clearest first. */
export function reaching(section: ReasonSection, code: string, tests: readonly FoundTest[]): string[] {
  const near = tests.filter((t) => section.tests.some((prefix) => t.file.startsWith(prefix)));
  return near
    .map((t) => ({ t, s: score(t, code) }))
    .filter(({ s }) => s > 0)
    .sort((a, b) => b.s - a.s)
    .map(({ t }) => nameOf(t));
}

const COLUMNS: readonly [keyof ReasonText, string][] = [
  ["where", "Where"],
  ["meaning", "Meaning"],
  ["cause", "Usual cause"],
  ["remedy", "Remedy"],
];

/** Tests that the page names now, by heading and code. */
function named(page: string): Map<string, string> {
  const found = new Map<string, string>();
  let heading = "";
  for (const line of page.split("\n")) {
    if (line.startsWith("## ")) heading = line.slice(3);
    const cells = line.split(/(?<!\\)\|/).map((c) => c.trim());
    if (line.startsWith("| `")) found.set(`${heading}/${cells[1]!.replaceAll("`", "")}`, cells.at(-2)!);
  }
  return found;
}

function table(
  section: ReasonSection,
  tests: readonly FoundTest[],
  before: ReadonlyMap<string, string>,
  gaps: string[],
): string[] {
  const columns = COLUMNS.filter(([key]) => section.entries.some((e) => e[key] !== undefined));
  const rows = section.entries.map((entry) => {
    const candidates = reaching(section, entry.code, tests);
    const old = before.get(`${section.heading}/${entry.code}`);
    if (candidates.length === 0) gaps.push(`${section.heading}: ${entry.code}`);
    const shown = old !== undefined && candidates.includes(old) ? old : (candidates[0] ?? "");
    return `| ${[`\`${entry.code}\``, ...columns.map(([key]) => entry[key] ?? ""), shown].join(" | ")} |`;
  });
  const heads = ["Code", ...columns.map(([, name]) => name), "Shown by"];
  return [`| ${heads.join(" | ")} |`, `|${heads.map(() => "---").join("|")}|`, ...rows];
}

const HEAD = `# Every reason and code, and what to do

Made by \`npm run docs:reasons\` from \`controller/api/reasons.ts\`; a test compares the two. The last column names a test that reaches the reason.

- **Reasons** stand in conditions and Events (\`kubectl describe gkeiproute NAME\`). Their message names the object, the value and the remedy; this page says the same in general.
- **Verdicts** say why a Pod is chosen or not.
- **Findings** stand in square brackets behind a message of \`pulumi preview\`, for example \`routes.web.podSelector: … [EmptySelector]\`.

Where Google's controller has a word for something, it is the same word here.
`;

/** The page, and what no test reaches. @param before the page as it is now */
export function reasonsPage(tests: readonly FoundTest[], before: string): { page: string; gaps: string[] } {
  const gaps: string[] = [];
  const old = named(before);
  const sections = REASON_SECTIONS.map((s) => {
    const parts = [[`## ${s.heading}`], s.intro ? [s.intro] : [], table(s, tests, old, gaps), s.outro ? [s.outro] : []];
    return parts
      .filter((p) => p.length > 0)
      .map((p) => p.join("\n"))
      .join("\n\n");
  });
  return { page: `${[HEAD.trimEnd(), ...sections].join("\n\n")}\n`, gaps };
}

/** All tests of the repository. */
export function allTests(root: string = ROOT): FoundTest[] {
  const files = ["components", "controller", "tests"].flatMap((top) =>
    fs
      .readdirSync(path.join(root, top), { recursive: true, encoding: "utf8" })
      .filter((f) => f.endsWith(".test.ts"))
      .map((f) => `${top}/${f.split(path.sep).join("/")}`),
  );
  return files.sort().flatMap((f) => testsIn(f, fs.readFileSync(path.join(root, f), "utf8")));
}

function main(check: boolean): number {
  const file = path.join(ROOT, PAGE);
  const before = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
  const { page, gaps } = reasonsPage(allTests(), before);
  for (const gap of gaps) process.stderr.write(`no test reaches ${gap}\n`);
  if (!check) fs.writeFileSync(file, page);
  else if (page !== before) process.stderr.write(`${PAGE} is not what the table says; run npm run docs:reasons\n`);
  const codes = REASON_SECTIONS.reduce((n, s) => n + s.entries.length, 0);
  process.stdout.write(`${codes} reasons and codes, ${gaps.length} without a test${check ? "" : `; wrote ${PAGE}`}\n`);
  return gaps.length > 0 || (check && page !== before) ? 1 : 0;
}
if (require.main === module) process.exitCode = main(process.argv.includes("--check"));
