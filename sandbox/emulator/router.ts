// SPDX-License-Identifier: Apache-2.0
// From verb and path to a row of a method table: a tree of path segments, literal before parameter.
import type { Row } from "./env";

interface Node {
  literals: Map<string, Node>;
  parameter?: { name: string; node: Node };
  /** `{name*}` at the end: everything that is left. */
  rest?: { name: string; node: Node };
  rows: Map<string, { row: Row; service: Service }>;
}

/** A group of methods below one path prefix. */
export interface Service {
  readonly prefix: string;
  readonly rows: readonly Row[];
  /** Container and serviceusage put the google.rpc status name into error bodies. */
  readonly rpc: boolean;
}

export interface Match {
  row: Row;
  service: Service;
  params: Record<string, string>;
}

export class Router {
  private readonly root: Node = node();

  constructor(services: readonly Service[]) {
    for (const service of services) for (const row of service.rows) this.add(service, row);
  }

  /** @param path without leading slash and query */
  match(verb: string, path: string): Match | undefined {
    const params: Record<string, string> = {};
    const found = walk(this.root, segments(path), 0, params)?.rows.get(verb);
    return found && { ...found, params };
  }

  private add(service: Service, row: Row): void {
    let at = this.root;
    for (const segment of segments(service.prefix + row.path)) at = child(at, segment);
    if (at.rows.has(row.verb)) throw new Error(`two rows for ${row.verb} ${service.prefix}${row.path}`);
    at.rows.set(row.verb, { row, service });
  }
}

function node(): Node {
  return { literals: new Map(), rows: new Map() };
}

function child(at: Node, segment: string): Node {
  const parameter = /^\{(\w+)(\*?)\}$/.exec(segment);
  if (!parameter) {
    const next = at.literals.get(segment) ?? node();
    at.literals.set(segment, next);
    return next;
  }
  const slot = parameter[2] === "*" ? "rest" : "parameter";
  const next = (at[slot] ??= { name: parameter[1] ?? "", node: node() });
  if (next.name !== parameter[1]) return aliased(next.node, next.name, parameter[1] ?? "");
  return next.node;
}

/** Google names one segment differently in some methods (`{address}` and `{resource}`): both names are given. */
const aliases = new WeakMap<Node, Set<string>>();

function aliased(at: Node, name: string, other: string): Node {
  aliases.set(at, (aliases.get(at) ?? new Set([name])).add(other));
  return at;
}

/** A custom verb after the last colon counts as a segment of its own in the `v1/` APIs. */
function segments(path: string): string[] {
  const parts = path.split("/");
  const last = parts.at(-1) ?? "";
  const colon = path.startsWith("v1/") ? last.lastIndexOf(":") : -1;
  return colon < 0 ? parts : [...parts.slice(0, -1), last.slice(0, colon), last.slice(colon)];
}

function walk(at: Node, path: readonly string[], index: number, params: Record<string, string>): Node | undefined {
  const segment = path[index];
  if (segment === undefined) return at;
  const literal = at.literals.get(segment);
  const found = literal && walk(literal, path, index + 1, params);
  if (found && found.rows.size > 0) return found;
  const byParameter = segment === "" ? undefined : walkParameter(at, path, index, params);
  if (byParameter || !at.rest) return byParameter;
  params[at.rest.name] = path.slice(index).map(decode).join("/");
  return at.rest.node;
}

function walkParameter(at: Node, path: readonly string[], index: number, params: Record<string, string>): Node | undefined {
  if (!at.parameter) return undefined;
  const { name, node: next } = at.parameter;
  const value = decode(path[index] ?? "");
  for (const alias of aliases.get(next) ?? [name]) params[alias] = value;
  return walk(next, path, index + 1, params);
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
