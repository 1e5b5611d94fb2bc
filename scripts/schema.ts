// SPDX-License-Identifier: Apache-2.0
// Writes schema/schema.json: what other languages know of the components. One source, the components' own TypeScript, read by Pulumi's own
// analyzer; this file only tidies what comes out. `--check` writes nothing and fails where the file is not what the source says.
import * as fs from "node:fs";
import * as path from "node:path";
import { Analyzer } from "@pulumi/pulumi/provider/experimental/analyzer";
import { generateSchema } from "@pulumi/pulumi/provider/experimental/schema";
import { documentation } from "./schema-docs";
import { tidy } from "./schema-tidy";
import type { PackageSchema } from "./schema-types";

const ROOT = path.resolve(__dirname, "..");
export const PACKAGE = "gke-persistent-ip";
export const SCHEMA_FILE = path.join(ROOT, "schema", "schema.json");

interface Manifest {
  name: string;
  version: string;
  description: string;
  license: string;
  keywords: string[];
}

/** Names of the classes that the package's door exports as components. */
function componentNames(): string[] {
  const door = fs.readFileSync(path.join(ROOT, "components", "index.ts"), "utf8");
  const classes = [...door.matchAll(/export \{ (\w+) \} from "\.\/(\w+)"/g)];
  // Components live in files named after them; helpers such as ArgumentError are no resources.
  return classes
    .filter(([, name, file]) => fs.readFileSync(path.join(ROOT, "components", `${file}.ts`), "utf8").includes(`typeOf(`) && name)
    .map(([, name]) => name!);
}

/**
 * The schema as the sources say it now.
 * @throws Error of the analyzer for a type that a schema cannot say (pulumi.md 7.2)
 */
export function schemaOf(): PackageSchema {
  const manifest = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8")) as Manifest;
  const entry = { name: PACKAGE, main: "../components/index.ts" };
  // The provider's own folder has the tsconfig.json that the analyzer asks for, and reaches nothing but the components.
  const analyzer = new Analyzer(path.join(ROOT, "provider"), PACKAGE, entry, new Set(componentNames()));
  const { components, typeDefinitions, dependencies } = analyzer.analyze();
  const raw = generateSchema(PACKAGE, manifest.version, manifest.description, components, typeDefinitions, dependencies);
  return tidy(raw as unknown as PackageSchema, {
    docs: documentation(path.join(ROOT, "components")),
    keywords: manifest.keywords,
    license: manifest.license,
  });
}

export const textOf = (schema: PackageSchema): string => `${JSON.stringify(schema, null, 2)}\n`;

function main(): void {
  const text = textOf(schemaOf());
  if (!process.argv.includes("--check")) return fs.writeFileSync(SCHEMA_FILE, text);
  if (fs.readFileSync(SCHEMA_FILE, "utf8") === text) return;
  console.error("schema/schema.json is not what the components say; run: npx ts-node -T scripts/schema.ts");
  process.exitCode = 1;
}
if (require.main === module) main();
