// SPDX-License-Identifier: Apache-2.0
// The components for programs in other languages: the engine calls Construct with a type token and inputs, and gets the component's outputs.
// The schema is the checked-in file, so that starting needs neither a compiler nor the sources (pulumi.md 7.1: 0.8 s against 4.4 s).
import * as fs from "node:fs";
import * as path from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import * as components from "../components";

type ComponentClass = new (name: string, args: never, opts?: pulumi.ComponentResourceOptions) => pulumi.ComponentResource;
/** What of the schema is needed here. */
interface Schema {
  name: string;
  version: string;
  resources: Record<string, { properties: Record<string, unknown> }>;
}

const SCHEMA = path.join("schema", "schema.json");

/** The package's schema, from sources as from compiled files. @throws Error where the file is not part of the package */
export function readSchema(from: string = __dirname): string {
  const file = path.join(from, SCHEMA);
  if (fs.existsSync(file)) return fs.readFileSync(file, "utf8");
  const up = path.dirname(from);
  if (up === from) throw new Error(`${SCHEMA} is missing; install the package anew`);
  return readSchema(up);
}

/** Serves every component that the schema names. */
export class PersistentIpProvider implements pulumi.provider.Provider {
  readonly version: string;
  readonly schema: string;
  private readonly parsed: Schema;

  constructor(schema: string = readSchema()) {
    this.parsed = JSON.parse(schema) as Schema;
    this.version = this.parsed.version;
    this.schema = schema;
  }

  /**
   * Makes one component and its children.
   * @throws Error for a type that is not in the schema; ArgumentError (INVALID_ARGUMENT with property paths) for arguments that make no sense
   */
  construct(
    name: string,
    type: string,
    inputs: pulumi.Inputs,
    options: pulumi.ComponentResourceOptions,
  ): Promise<pulumi.provider.ConstructResult> {
    // What a constructor throws becomes the promise's, as the server wants it.
    return new Promise((resolve) => resolve(this.make(name, type, { inputs, options })));
  }

  private make(
    name: string,
    type: string,
    given: { inputs: pulumi.Inputs; options: pulumi.ComponentResourceOptions },
  ): pulumi.provider.ConstructResult {
    const spec = this.parsed.resources[type];
    const make = (components as unknown as Record<string, ComponentClass | undefined>)[type.slice(type.lastIndexOf(":") + 1)];
    if (!spec || !make) throw new Error(`${this.parsed.name} ${this.version} has no component ${type}`);
    const made = new make(name, given.inputs as never, given.options);
    const fields = made as unknown as pulumi.Inputs;
    return { urn: made.urn, state: Object.fromEntries(Object.keys(spec.properties).map((key) => [key, fields[key]])) };
  }
}
