// SPDX-License-Identifier: Apache-2.0
// The part of kubectl's JSONPath that `pulumi.com/waitFor` uses: members, indexes, wildcards and equality filters.
// Syntax: https://kubernetes.io/docs/reference/kubectl/jsonpath/
import { ProviderError } from "../provider";
import { isRecord, same, type Json } from "../value";

type Step =
  | { kind: "member"; name: string }
  | { kind: "index"; n: number }
  | { kind: "all" }
  | { kind: "filter"; path: Step[]; value: Json };

const TOKEN =
  /^(?:\.?\[\?\(@((?:\.[\w/-]+)+)\s*==\s*("(?:[^"\\]|\\.)*"|'[^']*'|[\w.-]+)\)\]|\.?\[(-?\d+)\]|\.?\[\*\]|\.\*|\.?\['((?:[^'\\]|\\.)*)'\]|\.((?:[\w/-]|\\.)+))/;

/** @throws ProviderError Refused that shows the part which is not understood */
export function parseJsonPath(text: string): Step[] {
  const inner = /^\{(.*)\}$/.exec(text.trim())?.[1]?.trim() ?? text.trim();
  const out: Step[] = [];
  let rest = inner.replace(/^[$@]/, "");
  if (!/^[.[]/.test(rest)) rest = `.${rest}`;
  while (rest !== "") {
    const m = TOKEN.exec(rest);
    if (m === null)
      throw new ProviderError(
        "Refused",
        `jsonpath "${text}": "${rest}" is not understood (members, [n], [*] and [?(@.a=="b")] are)`,
      );
    out.push(stepOf(m));
    rest = rest.slice(m[0].length);
  }
  return out;
}

function stepOf(m: RegExpExecArray): Step {
  if (m[1] !== undefined) return { kind: "filter", path: parseJsonPath(m[1]), value: literal(m[2] ?? "") };
  if (m[3] !== undefined) return { kind: "index", n: Number(m[3]) };
  const name = m[4] ?? m[5];
  return name === undefined ? { kind: "all" } : { kind: "member", name: name.replace(/\\(.)/g, "$1") };
}

function literal(text: string): Json {
  if (/^["']/.test(text)) return text.slice(1, -1);
  if (text === "true" || text === "false") return text === "true";
  return Number.isFinite(Number(text)) ? Number(text) : text;
}

/** All values that the path finds. */
export function evaluate(path: Step[], root: Json | undefined): Json[] {
  return path.reduce<Json[]>((found, step) => found.flatMap((v) => take(step, v)), root === undefined ? [] : [root]);
}

function take(step: Step, v: Json): Json[] {
  switch (step.kind) {
    case "member":
      return isRecord(v) ? present(v[step.name]) : [];
    case "index":
      return Array.isArray(v) ? present(v.at(step.n)) : [];
    case "all":
      return typeof v === "object" && v !== null ? Object.values(v) : [];
    case "filter":
      return Array.isArray(v) ? v.filter((x) => evaluate(step.path, x).some((y) => same(y, step.value))) : [];
  }
}

const present = (v: Json | undefined): Json[] => (v === undefined ? [] : [v]);
