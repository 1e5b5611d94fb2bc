// SPDX-License-Identifier: Apache-2.0
// Checks a value against one of our schemas, so that preview refuses what the API server would refuse. All findings at once.
import { error, type Finding } from "./findings";
import type { Schema } from "./schema-type";

const kindOf = (v: unknown): string =>
  Array.isArray(v) ? "array" : v === null ? "null" : Number.isInteger(v) ? "integer" : typeof v;
const show = (v: unknown): string => {
  const text = JSON.stringify(v) ?? "undefined";
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
};

function textFindings(s: Schema, v: string, path: string): Finding[] {
  // The API server counts characters, not UTF-16 units.
  const length = [...v].length;
  if (s.enum && !s.enum.includes(v)) return [error("Enum", path, `${show(v)} is not one of ${s.enum.join(", ")}`)];
  if (s.minLength !== undefined && length < s.minLength)
    return [error("Length", path, `must have at least ${s.minLength} character(s), has ${length}`)];
  if (s.maxLength !== undefined && length > s.maxLength)
    return [error("Length", path, `must have at most ${s.maxLength} characters, has ${length}`)];
  if (s.pattern && !new RegExp(s.pattern).test(v)) return [error("Pattern", path, `${show(v)} does not match ${s.pattern}`)];
  return [];
}
function numberFindings(s: Schema, v: number, path: string): Finding[] {
  if (s.minimum !== undefined && v < s.minimum) return [error("Bounds", path, `${v} is less than ${s.minimum}`)];
  if (s.maximum !== undefined && v > s.maximum) return [error("Bounds", path, `${v} is more than ${s.maximum}`)];
  return [];
}
function listFindings(s: Schema, v: unknown[], path: string): Finding[] {
  const found = v.flatMap((item, i) => (s.items ? schemaFindings(s.items, item, `${path}[${i}]`) : []));
  if (s.minItems !== undefined && v.length < s.minItems)
    found.push(error("Bounds", path, `must have at least ${s.minItems} item(s), has ${v.length}`));
  if (s.maxItems !== undefined && v.length > s.maxItems)
    found.push(error("Bounds", path, `must have at most ${s.maxItems} items, has ${v.length}`));
  return found;
}
function objectFindings(s: Schema, v: Record<string, unknown>, path: string): Finding[] {
  const at = (k: string): string => (path === "" ? k : `${path}.${k}`);
  const found = (s.required ?? []).filter((k) => v[k] === undefined).map((k) => error("Required", at(k), "is missing"));
  for (const [k, item] of Object.entries(v)) {
    const rule = s.properties && Object.hasOwn(s.properties, k) ? s.properties[k] : s.additionalProperties;
    if (item === undefined) continue;
    if (rule) found.push(...schemaFindings(rule, item, at(k)));
    else if (s.properties)
      found.push(error("UnknownField", at(k), `is not a field; known here: ${Object.keys(s.properties).sort().join(", ")}`));
  }
  return found;
}

function partFindings(schema: Schema, value: unknown, path: string): Finding[] {
  switch (kindOf(value)) {
    case "string":
      return textFindings(schema, value as string, path);
    case "integer":
    case "number":
      return numberFindings(schema, value as number, path);
    case "array":
      return listFindings(schema, value as unknown[], path);
    case "object":
      return objectFindings(schema, value as Record<string, unknown>, path);
    default:
      return [];
  }
}

/**
 * All places where a value does not fit its schema.
 * @param path property path of the value, prefixed to every finding
 */
export function schemaFindings(schema: Schema, value: unknown, path = ""): Finding[] {
  const kind = kindOf(value);
  const wanted = schema.type ?? kind;
  const fits = kind === wanted || (wanted === "number" && kind === "integer");
  return fits ? partFindings(schema, value, path) : [error("Type", path, `${show(value)} is of type ${kind}, must be ${wanted}`)];
}
