// SPDX-License-Identifier: Apache-2.0
// From the analyzer's schema to the one that is kept: names as other languages want them, one definition a type, a fixed order. Pure.
import type { ComplexType, PackageSchema, PropertySpec, ResourceSpec, TypeSpec } from "./schema-types";

export interface Extras {
  /** Doc comments of types by their TypeScript names. */
  docs: ReadonlyMap<string, string>;
  keywords: string[];
  license: string;
}

/** What each language's generator is told. `respectSchemaVersion`: SDKs carry the package's own version. */
const LANGUAGES: PackageSchema["language"] = {
  csharp: { respectSchemaVersion: true, rootNamespace: "GkePersistentIp" },
  go: {
    respectSchemaVersion: true,
    // Without it the generator forgets the argument types of plain maps.
    generateExtraInputTypes: true,
    generateResourceContainerTypes: false,
    importBasePath: "pulumi-gke-persistent-ip/sdk/go/gkepersistentip",
    rootPackageName: "gkepersistentip",
  },
  java: { respectSchemaVersion: true },
  nodejs: { respectSchemaVersion: true, packageName: "pulumi-gke-persistent-ip-sdk" },
  python: { respectSchemaVersion: true, packageName: "pulumi_gke_persistent_ip", pyproject: { enabled: true } },
};

const last = (token: string): string => token.slice(token.lastIndexOf(":") + 1);
const bare = (name: string): string => name.replace(/^\w+\./, "");
/** `e.OnDestroy` is what `import type * as e` makes of it; `PoolArgs` would be `PoolArgsArgs` in every SDK. */
const typeName = (name: string): string => bare(name).replace(/(.)Args$/, "$1");
const renamed = (token: string): string => token.slice(0, token.lastIndexOf(":") + 1) + typeName(last(token));

/** @throws Error when two different types would have one name */
export function tidy(raw: PackageSchema, extras: Extras): PackageSchema {
  const types: Record<string, ComplexType> = {};
  for (const [token, type] of Object.entries(raw.types)) {
    const made = complexType(type, extras.docs.get(bare(last(token))));
    const name = renamed(token);
    if (types[name] && JSON.stringify(types[name]) !== JSON.stringify(made))
      throw new Error(`two different types are called ${last(name)} in the schema; rename one in components/`);
    types[name] = made;
  }
  return {
    name: raw.name,
    displayName: "GKE Persistent IP",
    version: raw.version,
    ...(raw.description === undefined ? {} : { description: raw.description }),
    keywords: [...extras.keywords, "kind/component", "category/infrastructure"],
    license: extras.license,
    language: LANGUAGES,
    types: sorted(types),
    resources: sorted(Object.fromEntries(Object.entries(raw.resources).map(([token, r]) => [token, resource(r)]))),
  };
}

function complexType(type: ComplexType, description: string | undefined): ComplexType {
  const doc = description === undefined ? {} : { description };
  if (type.enum) return { ...doc, type: type.type, enum: type.enum };
  return { ...doc, type: "object", properties: properties(type.properties ?? {}), ...requiredOf(type.required) };
}

function resource(r: ResourceSpec): ResourceSpec {
  return {
    ...(r.description === undefined ? {} : { description: r.description }),
    isComponent: true,
    inputProperties: properties(r.inputProperties),
    requiredInputs: [...r.requiredInputs].sort(),
    properties: properties(r.properties),
    required: [...r.required].sort(),
  };
}

const requiredOf = (required: string[] | undefined): { required?: string[] } =>
  required && required.length > 0 ? { required: [...required].sort() } : {};

/** In the order of the source, which is that of importance. */
function properties(given: Record<string, PropertySpec>): Record<string, PropertySpec> {
  return Object.fromEntries(Object.entries(given).map(([key, p]) => [key, property(p)]));
}

function property({ optional: _, description, ...type }: PropertySpec): PropertySpec {
  return { ...typeSpec(type), ...(description === undefined ? {} : { description }) };
}

function typeSpec(t: TypeSpec): TypeSpec {
  return {
    ...t,
    ...(t.$ref === undefined ? {} : { $ref: renamed(t.$ref) }),
    ...(t.items === undefined ? {} : { items: typeSpec(t.items) }),
    ...(t.additionalProperties === undefined ? {} : { additionalProperties: typeSpec(t.additionalProperties) }),
  };
}

const sorted = <T>(record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
