// SPDX-License-Identifier: Apache-2.0
// For tests: runs a piece of program under mocks and keeps every registration whole, options included (pulumi.md 6.1).
import { createHash } from "node:crypto";
import * as os from "node:os";
import * as fs from "node:fs";
import * as path from "node:path";
import * as zlib from "node:zlib";
import * as pulumi from "@pulumi/pulumi";

/** Value of an input that is not known in a preview. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export interface Registration {
  type: string;
  name: string;
  urn: string;
  parent: string;
  custom: boolean;
  inputs: Record<string, unknown>;
  provider: string;
  protect: boolean;
  retainOnDelete: boolean;
  deletedWith: string;
  /** Former types and names; empty where they are the present ones. */
  aliases: { type: string; name: string }[];
  ignoreChanges: string[];
  replaceOnChanges: string[];
  deleteBeforeReplace: boolean;
  dependencies: string[];
}

interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getCustom(): boolean;
  getObject(): { toJavaScript(): Record<string, unknown> };
  getProvider(): string;
  getProtect(): boolean;
  getRetainondelete(): boolean;
  getDeletedwith(): string;
  getAliasesList(): { getSpec(): { getType(): string; getName(): string } | undefined; getUrn(): string }[];
  getIgnorechangesList(): string[];
  getReplaceonchangesList(): string[];
  getDeletebeforereplace(): boolean;
  getDependenciesList(): string[];
}
interface Response {
  getUrn(): string;
}
type Done = (error: Error | null, response: Response) => void;
interface Monitor {
  registerResource(request: Request, done: Done): unknown;
}

/** An address that depends on the name only, so that the order of registrations shows nowhere. */
const chosen = (name: unknown): string =>
  `34.${[...createHash("sha256").update(String(name)).digest().subarray(0, 3)].join(".")}`;

/** What Google would answer, for the few outputs that are read. */
const COMPUTED: { [type: string]: (inputs: Record<string, unknown>) => object } = {
  "gcp:compute/address:Address": (i) => ({ address: i["address"] ?? chosen(i["name"]) }),
  "gcp:container/cluster:Cluster": () => ({
    endpoint: "192.0.2.10",
    masterAuth: { clusterCaCertificate: "Q0E=" },
    controlPlaneEndpointsConfig: { dnsEndpointConfig: { endpoint: "gke-abc.europe-west3.gke.goog" } },
  }),
  "pulumi:pulumi:StackReference": () => ({
    outputs: { addresses: { checkout: "34.1.0.99" }, kubeconfig: "{}", gatewayNames: { checkout: "platform-shared" } },
  }),
  "gcp:serviceaccount/account:Account": (i) => ({ name: `projects/p/serviceAccounts/${String(i["accountId"])}` }),
};

export type Calls = { [token: string]: (inputs: Record<string, unknown>) => Record<string, unknown> };

export interface Recorded<T> {
  value: T;
  seen: Registration[];
  /** The registrations of a type, in order of their names. */
  of: (type: string) => Registration[];
  /** The one registration of a type and name. */
  one: (type: string, name: string) => Registration;
}

function mocks(preview: boolean, calls: Calls): pulumi.runtime.Mocks {
  return {
    newResource: (args) => {
      const inputs = args.inputs as Record<string, unknown>;
      if (preview) return { id: undefined, state: inputs };
      const computed = COMPUTED[args.type]?.(inputs) ?? {};
      return { id: `${args.name}-id`, state: { ...inputs, ...computed } };
    },
    call: (args) => {
      const answer = calls[args.token];
      if (!answer) throw new Error(`no answer for ${args.token}`);
      return answer(args.inputs as Record<string, unknown>);
    },
  };
}

/** Runs `build` to the end of its last registration. */
export async function record<T>(build: () => T, { preview = false, calls = {}, config = {} } = {}): Promise<Recorded<T>> {
  await pulumi.runtime.setMocks(mocks(preview, calls), "proj", "dev", preview);
  pulumi.runtime.setAllConfig({ "gcp:project": "p", ...config });
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the monitor is not part of the SDK's typed surface
  const monitor = (require("@pulumi/pulumi/runtime/settings") as { getMonitor(): Monitor }).getMonitor();
  const seen: Registration[] = [];
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, done) =>
    register(request, (error, response) => {
      if (!error) seen.push(registration(request, response.getUrn()));
      done(error, response);
    });
  // The SDK takes a stack trace for every promise; mapped through ts-node they would be most of the run.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const run = async (): Promise<T> => {
    const built = build();
    await pulumi.runtime.disconnect();
    return built;
  };
  const value = await run().finally(() => (Error.stackTraceLimit = stackTraceLimit));
  const of = (type: string) => seen.filter((r) => r.type === type).sort((a, b) => (a.name < b.name ? -1 : 1));
  const one = (type: string, name: string) => {
    const found = of(type).filter((r) => r.name === name);
    if (found.length !== 1)
      throw new Error(
        `${found.length} registrations of ${type} ${name}; there are ${of(type)
          .map((r) => r.name)
          .join(", ")}`,
      );
    return found[0]!;
  };
  return { value, seen, of, one };
}

function registration(r: Request, urn: string): Registration {
  return {
    type: r.getType(),
    name: r.getName(),
    urn,
    parent: r.getParent(),
    custom: r.getCustom(),
    inputs: r.getObject().toJavaScript(),
    provider: r.getProvider(),
    protect: r.getProtect(),
    retainOnDelete: r.getRetainondelete(),
    deletedWith: r.getDeletedwith(),
    aliases: r.getAliasesList().map((a) => ({ type: a.getSpec()?.getType() ?? "", name: a.getSpec()?.getName() ?? a.getUrn() })),
    ignoreChanges: r.getIgnorechangesList(),
    replaceOnChanges: r.getReplaceonchangesList(),
    deleteBeforeReplace: r.getDeletebeforereplace(),
    dependencies: [...r.getDependenciesList()].sort(),
  };
}

/** Value of an Output, or its failure. */
export const valueOf = <T>(output: pulumi.Output<T>): Promise<T> => (output as unknown as { promise(): Promise<T> }).promise();

/** Paths of the inputs that are unknown, such as `spec.addresses[0].value`. */
export function unknownPaths(value: unknown, at = ""): string[] {
  if (value === UNKNOWN) return [at];
  if (Array.isArray(value)) return value.flatMap((v, i) => unknownPaths(v, `${at}[${i}]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([k, v]) => unknownPaths(v, at === "" ? k : `${at}.${k}`));
}

/** A bundle that can be told from others by its text; `done` removes it. */
export function bundleFile(text = "console.log('controller')"): { file: string; done: () => void } {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "gkepip-bundle-"));
  const file = path.join(dir, "controller.js.br");
  fs.writeFileSync(file, zlib.brotliCompressSync(text));
  return { file, done: () => fs.rmSync(dir, { recursive: true }) };
}

/**
 * What a piece of program throws where nobody waits, as the SDK's own handler reports it: each error once.
 * @param build run under the mocks that were set last
 */
export async function reported(build: () => unknown): Promise<string[]> {
  const listeners = process.listeners("unhandledRejection");
  const seen = new Set<unknown>();
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (error) => seen.add(error));
  try {
    build();
    for (let i = 0; i < 50 && seen.size === 0; i++) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 20));
  } finally {
    process.removeAllListeners("unhandledRejection");
    listeners.forEach((l) => process.on("unhandledRejection", l));
  }
  return [...seen].map((error) => (error as Error).message);
}
