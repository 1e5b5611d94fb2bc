// SPDX-License-Identifier: Apache-2.0
// What a change of the schema means to programs in other languages: breaking (they no longer compile, or mean something else), additive, or docs.
// Stricter than a cloud's API diff, because SDKs are compiled: a Go program breaks where a plain field becomes a pointer. Pure.
import type { ComplexType, EnumValue, PackageSchema, PropertySpec, ResourceSpec, TypeSpec } from "./schema-types";

export type ChangeKind = "breaking" | "additive" | "docs";
export interface Change {
  kind: ChangeKind;
  /** Where in the schema, such as `PersistentPodIps.inputs.region`. */
  path: string;
  what: string;
}
/** Values that a program writes, or that it reads. */
type Direction = "input" | "output";
interface Side {
  properties: Record<string, PropertySpec>;
  required: readonly string[];
}

/** Every difference, breaking ones first, then by path. */
export function compareSchemas(before: PackageSchema, after: PackageSchema): Change[] {
  const changes = [
    ...packages(before, after),
    ...entries(before.resources, after.resources, "component", resource),
    ...entries(before.types, after.types, "type", complexType),
  ];
  const rank: Record<ChangeKind, number> = { breaking: 0, additive: 1, docs: 2 };
  return changes.sort((a, b) => rank[a.kind] - rank[b.kind] || (a.path < b.path ? -1 : 1));
}

/**
 * Whether a version may follow another with these changes: breaking ones need a new major number, or a new minor one before 1.0.0.
 * @throws Error for a text that is no version
 */
export function versionAllows(before: string, after: string, changes: readonly Change[]): boolean {
  if (!changes.some((c) => c.kind === "breaking")) return true;
  const [was, is] = [numbers(before), numbers(after)];
  return is.major > was.major || (was.major === 0 && is.major === 0 && is.minor > was.minor);
}

function numbers(version: string): { major: number; minor: number } {
  const found = /^(\d+)\.(\d+)\.\d+(?:[-+].*)?$/.exec(version);
  if (!found) throw new Error(`"${version}" is no version like 1.2.3`);
  return { major: Number(found[1]), minor: Number(found[2]) };
}

const short = (token: string): string => token.slice(token.lastIndexOf(":") + 1);
const breaking = (path: string, what: string): Change => ({ kind: "breaking", path, what });
const additive = (path: string, what: string): Change => ({ kind: "additive", path, what });

function packages(before: PackageSchema, after: PackageSchema): Change[] {
  const renamed = before.name === after.name ? [] : [breaking("name", `was ${before.name}, is ${after.name}`)];
  const languages = Object.entries(before.language).flatMap(([language, was]) =>
    JSON.stringify(was) === JSON.stringify(after.language[language])
      ? []
      : [breaking(`language.${language}`, "options of the generated SDK changed: its names or imports may")],
  );
  return [...renamed, ...languages, ...docs("description", before.description, after.description)];
}

function docs(path: string, before: string | undefined, after: string | undefined): Change[] {
  return before === after ? [] : [{ kind: "docs", path, what: "text changed" }];
}

function entries<T>(
  before: Record<string, T>,
  after: Record<string, T>,
  noun: string,
  compare: (path: string, was: T, is: T) => Change[],
): Change[] {
  const gone = Object.keys(before).filter((key) => !(key in after));
  const come = Object.keys(after).filter((key) => !(key in before));
  const kept = Object.keys(before).filter((key) => key in after);
  return [
    ...gone.map((key) => breaking(short(key), `${noun} removed`)),
    ...come.map((key) => additive(short(key), `${noun} added`)),
    ...kept.flatMap((key) => compare(short(key), before[key]!, after[key]!)),
  ];
}

function resource(path: string, was: ResourceSpec, is: ResourceSpec): Change[] {
  return [
    ...docs(path, was.description, is.description),
    ...side(`${path}.inputs`, inputs(was), inputs(is), "input"),
    ...side(`${path}.outputs`, outputs(was), outputs(is), "output"),
  ];
}
const inputs = (r: ResourceSpec): Side => ({ properties: r.inputProperties, required: r.requiredInputs });
const outputs = (r: ResourceSpec): Side => ({ properties: r.properties, required: r.required });

function complexType(path: string, was: ComplexType, is: ComplexType): Change[] {
  const text = docs(path, was.description, is.description);
  if (was.enum === undefined && is.enum === undefined) return [...text, ...side(path, object(was), object(is), "input")]; // outputs of components are plain maps and strings
  if (was.enum === undefined || is.enum === undefined) return [breaking(path, "object and enumeration took turns")];
  return [...text, ...enumeration(path, was.enum, is.enum)];
}
const object = (t: ComplexType): Side => ({ properties: t.properties ?? {}, required: t.required ?? [] });

function enumeration(path: string, was: readonly EnumValue[], is: readonly EnumValue[]): Change[] {
  const key = (e: EnumValue): string => `${e.name ?? ""}=${e.value}`;
  const [before, after] = [was.map(key), is.map(key)];
  return [
    ...before.filter((e) => !after.includes(e)).map((e) => breaking(`${path}.${e}`, "value removed")),
    ...after.filter((e) => !before.includes(e)).map((e) => additive(`${path}.${e}`, "value added")),
  ];
}

function side(path: string, was: Side, is: Side, direction: Direction): Change[] {
  const before = Object.keys(was.properties);
  const come = Object.keys(is.properties).filter((p) => !(p in was.properties));
  return [
    ...before.filter((p) => !(p in is.properties)).map((p) => breaking(`${path}.${p}`, "removed")),
    ...come.map((p) =>
      direction === "input" && is.required.includes(p)
        ? breaking(`${path}.${p}`, "added, and must be given")
        : additive(`${path}.${p}`, "added"),
    ),
    ...before.filter((p) => p in is.properties).flatMap((p) => property(`${path}.${p}`, [was, is], p, direction)),
  ];
}

function property(path: string, [was, is]: [Side, Side], name: string, direction: Direction): Change[] {
  const [before, after] = [was.properties[name]!, is.properties[name]!];
  const [type, now] = [typeText(before), typeText(after)];
  const changed = type === now ? [] : [breaking(path, `was ${type}, is ${now}`)];
  const needed = [was, is].map((s) => s.required.includes(name)) as [boolean, boolean];
  return [...changed, ...necessity(path, needed, after, direction), ...docs(path, before.description, after.description)];
}

function necessity(path: string, [was, is]: [boolean, boolean], after: PropertySpec, direction: Direction): Change[] {
  if (was === is) return [];
  if (direction === "output") return was ? [breaking(path, "may be missing now")] : [additive(path, "is always there now")];
  if (is) return [breaking(path, "must be given now")];
  return after.plain === true && after.additionalProperties === undefined && after.items === undefined
    ? [breaking(path, "may be left out now, which makes the plain field a pointer in Go")]
    : [additive(path, "may be left out now")];
}

/** A type as text, with what decides how programs write it. */
function typeText(t: TypeSpec): string {
  const inner = t.$ref ? short(t.$ref) : (t.type ?? "any");
  const of = t.items ? `[${typeText(t.items)}]` : t.additionalProperties ? `{${typeText(t.additionalProperties)}}` : "";
  return `${t.plain === true ? "plain " : ""}${inner}${of}`;
}
