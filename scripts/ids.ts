// SPDX-License-Identifier: Apache-2.0
// Finds ids such as SEED-7 or E23 in test titles and in documents. Titles are read from the syntax tree, so that an id in a comment, in a
// skipped test or in an assertion does not count as shown.
import ts from "typescript";

export const KINDS = ["SEED", "E", "S", "A", "T", "C", "F"] as const;
export type Kind = (typeof KINDS)[number];
const prefix = (kind: Kind): string => (kind === "SEED" ? "SEED-" : kind);

/** Ids of a kind in a text, each once, in order of number. `SEED-5..8` and `SEED-5..SEED-8` name all four. */
export function idsIn(text: string, kind: Kind): string[] {
  const p = prefix(kind);
  const numbers = new Set<number>();
  for (const m of text.matchAll(new RegExp(`(?<![\\w-])${p}(\\d+)(?:\\.\\.(?:${p})?(\\d+))?(?![\\w-])`, "g")))
    for (let n = Number(m[1]); n <= Number(m[2] ?? m[1]); n++) numbers.add(n);
  return [...numbers].sort((a, b) => a - b).map((n) => `${p}${n}`);
}

/** Ids that a reference page defines: those that begin a table cell or a bold run. */
export function definedIds(page: string, kind: Kind): string[] {
  const p = prefix(kind);
  const found = [...page.matchAll(new RegExp(`(?:^\\| ?|\\*\\*)(${p}\\d+)(?= \\||\\*\\*)`, "gm"))].map((m) => m[1]!);
  return [...new Set(found)].sort((a, b) => Number(a.slice(p.length)) - Number(b.slice(p.length)));
}

const TITLED = /^(describe|context|suite|it|test|specify)(\w*)$/;

/** The called function where it is one of mocha's, or named after one (`describeData`); undefined else. */
function mochaCall(node: ts.CallExpression): { skipped: boolean } | undefined {
  let callee: ts.Expression = node.expression;
  let skipped = false;
  while (ts.isPropertyAccessExpression(callee)) {
    skipped ||= callee.name.text === "skip";
    callee = callee.expression;
  }
  if (!ts.isIdentifier(callee) || node.arguments.length < 2) return undefined;
  const plain = callee.text.replace(/^x(?=describe|context|it|specify)/, "");
  if (!TITLED.test(plain)) return undefined;
  return { skipped: skipped || plain !== callee.text };
}

/** Texts that an expression can be made of: literals, and what the names in it are bound to in this file. */
class Texts {
  private readonly seen = new Set<ts.Node>();
  readonly found: string[] = [];

  constructor(private readonly file: ts.SourceFile) {}

  of(node: ts.Node): void {
    if (this.seen.has(node)) return;
    this.seen.add(node);
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node))
      this.found.push(node.text);
    if (ts.isFunctionLike(node)) return; // bodies are not titles
    if (ts.isIdentifier(node) && !isMemberName(node)) bindings(this.file, node).forEach((source) => this.of(source));
    ts.forEachChild(node, (child) => this.of(child));
  }
}

const isMemberName = (node: ts.Identifier): boolean =>
  (ts.isPropertyAccessExpression(node.parent) && node.parent.name === node) ||
  (ts.isPropertyAssignment(node.parent) && node.parent.name === node);

/** What a name is bound to: the value of a `const`, what a `for … of` runs over, or what a callback is called with (`list.forEach`). */
function bindings(file: ts.SourceFile, name: ts.Identifier): ts.Node[] {
  const found: ts.Node[] = [];
  const binds = (node: ts.BindingName): boolean =>
    ts.isIdentifier(node) ? node.text === name.text : node.elements.some((e) => ts.isBindingElement(e) && binds(e.name));
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && binds(node.name)) {
      const loop = node.parent.parent;
      if (node.initializer) found.push(node.initializer);
      else if (ts.isForOfStatement(loop)) found.push(loop.expression);
    }
    if (ts.isParameter(node) && binds(node.name) && ts.isCallExpression(node.parent.parent)) {
      const call = node.parent.parent.expression;
      if (ts.isPropertyAccessExpression(call)) found.push(call.expression);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** Titles of the tests of a file that do run, with those of the groups around them. */
export function titlesIn(fileName: string, source: string): string[] {
  const file = ts.createSourceFile(fileName, source, ts.ScriptTarget.ES2022, true);
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const call = mochaCall(node);
      if (call?.skipped) return;
      if (call) {
        const texts = new Texts(file);
        texts.of(node.arguments[0]!);
        titles.push(...texts.found);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return titles;
}
