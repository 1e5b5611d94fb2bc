// SPDX-License-Identifier: Apache-2.0
// The installed SDK says which properties a resource type has, which of them only the cloud fills in, and of what type they are.
// Reading that from its class files keeps the stand-in in step with every SDK version; a missing output would show as a false
// replace in the next preview.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as path from "node:path";
import { ProviderError } from "../provider";
import type { Json, Props } from "../value";

export interface SdkClass {
  inputs: ReadonlySet<string>;
  /** Never an input: `undefined /*out*\/` in the constructor. */
  outputOnly: readonly string[];
  /** Inputs that may be left out and are then filled by the cloud: their output type has no `undefined`. */
  computed: ReadonlySet<string>;
  /** Empty value of each property whose output is always there. */
  zero: Props;
}

/** Reads class files of @pulumi/gcp below one node_modules. */
export class GcpSdk {
  private readonly folder: string;
  private readonly classes = new Map<string, SdkClass>();

  constructor(root: string) {
    this.folder = path.dirname(createRequire(path.join(root, "index.js")).resolve("@pulumi/gcp/package.json"));
  }

  /** What the SDK knows of `gcp:MODULE/FILE:Class`. @throws ProviderError NotFound for a type that it does not have */
  describe(type: string): SdkClass {
    const known = this.classes.get(type) ?? this.load(type);
    this.classes.set(type, known);
    return known;
  }

  private load(type: string): SdkClass {
    const base = this.fileOf(type);
    return parseClass(readFileSync(`${base}.js`, "utf8"), readFileSync(`${base}.d.ts`, "utf8"));
  }

  // Token and file name differ in case for some: `gcp:projects/iAMMember:IAMMember` is projects/iammember.js.
  private fileOf(type: string): string {
    const [, module = "", file = ""] = /^gcp:(\w+)\/(\w+):/.exec(type) ?? [];
    const folder = path.join(this.folder, module);
    const wanted = `${file.toLowerCase()}.js`;
    const found = module !== "" && existsSync(folder) ? readdirSync(folder).find((f) => f.toLowerCase() === wanted) : undefined;
    if (found === undefined) throw new ProviderError("NotFound", `${type}: the installed @pulumi/gcp has no such resource`);
    return path.join(folder, found.slice(0, -".js".length));
  }
}

/** Inputs, outputs and empty values from the text of a class file and of its declarations. */
export function parseClass(js: string, dts: string): SdkClass {
  const inputs = new Set([...js.matchAll(/resourceInputs\["(\w+)"\] = (?!undefined|state)/g)].map((m) => m[1] ?? ""));
  const outputOnly = [...new Set([...js.matchAll(/resourceInputs\["(\w+)"\] = undefined \/\*out\*\//g)].map((m) => m[1] ?? ""))];
  const zero: Props = {};
  const computed = new Set<string>();
  for (const m of dts.matchAll(/^ {4}readonly (\w+): pulumi\.Output<(.*?)>;$/gms)) {
    const [, name = "", type = ""] = m;
    if (/\|\s*undefined\s*$/.test(type)) continue;
    if (inputs.has(name)) computed.add(name);
    const empty = emptyOf(type.trim());
    if (empty !== undefined) zero[name] = empty;
  }
  return { inputs, outputOnly, computed, zero };
}

function emptyOf(type: string): Json | undefined {
  if (type.endsWith("[]")) return [];
  if (type === "string") return "";
  if (type === "number") return 0;
  if (type === "boolean") return false;
  return type.startsWith("{") ? {} : undefined; // a nested object without a value stays absent
}
