// SPDX-License-Identifier: Apache-2.0
// List filters in both of Compute's forms: the older `field eq REGEX` in brackets, and `field=value` with AND, OR, NOT.
import { asText } from "./text";
import { invalid } from "./errors";

export type Predicate = (item: object) => boolean;

const TOKEN = /\s*(?:([()])|(!=|<=|>=|=|<|>|:)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s()=!<>:"']+))/y;

interface Token {
  kind: "bracket" | "operator" | "word";
  text: string;
  quoted: boolean;
}

/**
 * @throws ApiError `invalid` for a filter that cannot be read
 */
export function parseFilter(text: string | undefined): Predicate {
  if (text === undefined || text.trim() === "") return () => true;
  const parser = new Parser(tokens(text), text);
  return parser.whole();
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const match = TOKEN.exec(text);
    if (!match) throw invalid("filter", text, "It cannot be read.");
    const [, bracket, operator, double, single, word] = match;
    if (bracket !== undefined) found.push({ kind: "bracket", text: bracket, quoted: false });
    else if (operator !== undefined) found.push({ kind: "operator", text: operator, quoted: false });
    else
      found.push({ kind: "word", text: word ?? (double ?? single ?? "").replace(/\\(["'])/g, "$1"), quoted: word === undefined });
  }
  return found;
}

class Parser {
  private at = 0;

  constructor(
    private readonly list: Token[],
    private readonly text: string,
  ) {}

  whole(): Predicate {
    const result = this.either();
    if (this.at < this.list.length) throw this.unreadable();
    return result;
  }

  private either(): Predicate {
    const choices = [this.both()];
    while (this.keyword("OR")) choices.push(this.both());
    return (item) => choices.some((choice) => choice(item));
  }

  private both(): Predicate {
    const parts = [this.one()];
    while (this.keyword("AND") || this.startsTerm()) parts.push(this.one());
    return (item) => parts.every((part) => part(item));
  }

  private one(): Predicate {
    if (this.keyword("NOT")) {
      const inner = this.one();
      return (item) => !inner(item);
    }
    if (this.bracket("(")) {
      const inner = this.either();
      if (!this.bracket(")")) throw this.unreadable();
      return inner;
    }
    return this.comparison();
  }

  private comparison(): Predicate {
    const field = this.word();
    const operator = this.list[this.at];
    this.at += 1;
    const older = operator?.kind === "word" && ["eq", "ne"].includes(operator.text);
    if (!operator || (operator.kind !== "operator" && !older)) throw this.unreadable();
    return older ? matches(field, this.word(), operator.text === "eq", this.text) : compares(field, operator.text, this.word());
  }

  private word(): string {
    const token = this.list[this.at];
    if (token?.kind !== "word") throw this.unreadable();
    this.at += 1;
    return token.text;
  }

  private startsTerm(): boolean {
    const token = this.list[this.at];
    return token !== undefined && (token.text === "(" || (token.kind === "word" && (token.quoted || token.text !== "OR")));
  }

  private keyword(name: string): boolean {
    const token = this.list[this.at];
    const there = token?.kind === "word" && !token.quoted && token.text === name;
    if (there) this.at += 1;
    return there;
  }

  private bracket(which: string): boolean {
    const there = this.list[this.at]?.kind === "bracket" && this.list[this.at]?.text === which;
    if (there) this.at += 1;
    return there;
  }

  private unreadable() {
    return invalid("filter", this.text, "It cannot be read.");
  }
}

/** Every value at a dotted path; lists are looked through. */
function valuesAt(item: unknown, path: readonly string[]): unknown[] {
  if (Array.isArray(item)) return item.flatMap((part) => valuesAt(part, path));
  const [head, ...rest] = path;
  if (head === undefined) return item === undefined ? [] : [item];
  if (typeof item !== "object" || item === null) return [];
  return valuesAt((item as Record<string, unknown>)[head], rest);
}

function texts(item: object, field: string): string[] {
  return valuesAt(item, field.split(".")).map(asText);
}

function matches(field: string, pattern: string, wanted: boolean, filter: string): Predicate {
  let whole: RegExp;
  try {
    whole = new RegExp(`^(?:${pattern})$`);
  } catch {
    throw invalid("filter", filter, `'${pattern}' is not a regular expression.`);
  }
  return (item) => texts(item, field).some((text) => whole.test(text)) === wanted;
}

function compares(field: string, operator: string, value: string): Predicate {
  switch (operator) {
    case "=":
      return (item) => texts(item, field).some((text) => same(text, value));
    case "!=":
      return (item) => !texts(item, field).some((text) => same(text, value));
    case ":":
      return has(field, value);
    default:
      return (item) => texts(item, field).some((text) => ordered(text, operator, value));
  }
}

/** `:` asks for presence with `*`, for a prefix with a trailing `*`, else for containment without regard to case. */
function has(field: string, value: string): Predicate {
  if (value === "*") return (item) => texts(item, field).length > 0;
  const wanted = value.toLowerCase();
  if (wanted.endsWith("*"))
    return (item) => texts(item, field).some((text) => text.toLowerCase().startsWith(wanted.slice(0, -1)));
  return (item) => texts(item, field).some((text) => text.toLowerCase().includes(wanted));
}

function same(text: string, value: string): boolean {
  return text === value || (isNumber(text) && isNumber(value) && Number(text) === Number(value));
}

function isNumber(text: string): boolean {
  return /^-?\d{1,15}(\.\d+)?$/.test(text);
}

function ordered(text: string, operator: string, value: string): boolean {
  const order = isNumber(text) && isNumber(value) ? Number(text) - Number(value) : text < value ? -1 : Number(text > value);
  if (order === 0) return operator.endsWith("=");
  return operator.startsWith("<") ? order < 0 : order > 0;
}
