// SPDX-License-Identifier: Apache-2.0
// A small YAML language host for tests: Pulumi's own is a program of another repository, which is no Go module of the proxy. It knows what the
// examples use (config with defaults, resources with properties, ${references}, outputs), checks properties against the package's schema, and
// speaks the real protocol: the engine, the plugin and Construct are what they are for every language.
import { readFileSync } from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import type { PackageSchema, TypeSpec } from "../../../scripts/schema-types";

interface Program {
  config?: Record<string, { type: string; default?: unknown }>;
  resources?: Record<string, { type: string; properties?: Record<string, unknown> }>;
  outputs?: Record<string, unknown>;
}
type Scope = Map<string, unknown>;

/** Replaces `${a.b}` by what `a` is in the scope; a text that is nothing else keeps the value's type. @throws Error for an unknown name */
export function evaluate(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((v) => evaluate(v, scope));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, evaluate(v, scope)]));
  if (typeof value !== "string") return value;
  const whole = /^\$\{([^}]+)\}$/.exec(value);
  if (whole) return lookUp(whole[1]!, scope);
  const parts = value.split(/\$\{([^}]+)\}/);
  return parts.length === 1 ? value : pulumi.concat(...parts.map((p, i) => (i % 2 === 0 ? p : (lookUp(p, scope) as string))));
}

function lookUp(reference: string, scope: Scope): unknown {
  const [name, ...rest] = reference.split(".");
  if (!scope.has(name!)) throw new Error(`\${${reference}}: there is no ${name}`);
  return rest.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], scope.get(name!));
}

/** Names that the schema does not have, as paths. */
export function unknownProperties(schema: PackageSchema, token: string, properties: unknown): string[] {
  const resource = schema.resources[token];
  if (!resource) return [token];
  const visit = (t: TypeSpec | undefined, value: unknown, at: string): string[] => {
    if (t === undefined || typeof value !== "object" || value === null) return [];
    if (Array.isArray(value)) return value.flatMap((v, i) => visit(t.items, v, `${at}[${i}]`));
    const entries = Object.entries(value as Record<string, unknown>);
    if (t.additionalProperties) return entries.flatMap(([k, v]) => visit(t.additionalProperties, v, `${at}.${k}`));
    const fields = schema.types[t.$ref?.replace("#/types/", "") ?? ""]?.properties;
    return fields ? fieldsOf(fields, entries, at) : [];
  };
  const fieldsOf = (fields: Record<string, TypeSpec>, entries: [string, unknown][], at: string): string[] =>
    entries.flatMap(([k, v]) => (k in fields ? visit(fields[k], v, `${at}.${k}`) : [`${at}.${k}`]));
  return fieldsOf(resource.inputProperties, Object.entries((properties ?? {}) as Record<string, unknown>), "properties");
}

/** `gke-persistent-ip:PersistentPodIps` is short for the type in module index. */
const fullToken = (type: string): string => (type.split(":").length === 2 ? type.replace(":", ":index:") : type);

/** Registers what the file of a folder says. @returns the stack's outputs */
export function run(folder: string, schema: PackageSchema): Record<string, unknown> {
  const program = parse(readFileSync(path.join(folder, "Pulumi.yaml"), "utf8")) as Program;
  const config = new pulumi.Config();
  const scope: Scope = new Map(Object.entries(program.config ?? {}).map(([key, c]) => [key, config.get(key) ?? c.default]));
  for (const [name, r] of Object.entries(program.resources ?? {})) {
    const token = fullToken(r.type);
    const wrong = unknownProperties(schema, token, r.properties);
    if (wrong.length > 0) throw new pulumi.RunError(`resource ${name}: ${wrong.join(", ")} does not exist on ${r.type}`);
    const outputs = Object.keys(schema.resources[token]!.properties).map((key) => [key, undefined]);
    const inputs = { ...Object.fromEntries(outputs), ...(evaluate(r.properties ?? {}, scope) as object) };
    scope.set(name, new pulumi.ComponentResource(token, name, inputs, { version: schema.version }, true));
  }
  return evaluate(program.outputs ?? {}, scope) as Record<string, unknown>;
}
