// SPDX-License-Identifier: Apache-2.0
// Runs one example under mocks that keep every registration whole, and prints them. A process of its own, so that time zone, working directory and the
// order of keys can be others. `ts-node -T registering.ts EXAMPLE [--backwards]`
import Module from "node:module";
import * as path from "node:path";
import { record } from "../../components/testing/mocks";

const ROOT = path.resolve(__dirname, "../..");
const [, , file, flag] = process.argv;

const CONFIG = {
  region: "us-central1",
  location: "us-central1",
  zone: "us-central1-a",
  cluster: "prod",
  onDestroy: "Protect",
  replicas: "2",
  wait: "true",
  watch: "true",
  platform: "organization/platform/dev",
  prefix: "https://www.googleapis.com/compute/v1/projects/p/regions/us-central1/publicDelegatedPrefixes/mine",
};
const CALLS = {
  "gcp:container/getCluster:getCluster": () => ({
    ...{ name: "prod", endpoint: "192.0.2.10", datapathProvider: "ADVANCED_DATAPATH", enableMultiNetworking: true },
    masterAuths: [{ clusterCaCertificate: "Q0E=" }],
  }),
  "gcp:compute/getAddress:getAddress": ({ name }: Record<string, unknown>) => ({
    name,
    address: "34.1.0.77",
    addressType: "EXTERNAL",
  }),
};

/** The same value with the keys of every plain object the other way round. */
function backwards(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(backwards);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([k, v]) => [k, backwards(v)]),
  );
}

type Components = Record<string, unknown>;
type Component = new (name: string, args: unknown, ...more: unknown[]) => object;
function turned(kit: Components): Components {
  const isComponent = (v: unknown): v is Component =>
    typeof v === "function" && "__pulumiType" in v.prototype === false && /^class/.test(String(v));
  return Object.fromEntries(
    Object.entries(kit).map(([name, v]) => {
      if (!isComponent(v) || name === "ArgumentError") return [name, v];
      return [
        name,
        new Proxy(v, {
          construct: (target, [n, args, ...more]) => new target(n as string, backwards(args), ...(more as unknown[])),
        }),
      ];
    }),
  );
}

/** Examples import the package by its name; here it is the sources beside them. */
function resolvePackage(): void {
  const loader = Module as unknown as { _load(request: string, ...rest: unknown[]): unknown };
  const load = loader._load.bind(loader);
  loader._load = function (request, ...rest) {
    if (request !== "pulumi-gke-persistent-ip") return load(request, ...rest);
    const kit = load(path.join(ROOT, "components/index.ts"), ...rest) as Components;
    return flag === "--backwards" ? turned(kit) : kit;
  };
}

async function main(): Promise<void> {
  resolvePackage();
  const config = Object.fromEntries(Object.entries(CONFIG).map(([k, v]) => [`proj:${k}`, v]));
  const { seen } = await record(
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- the very program, by its path
    () => require(path.resolve(ROOT, file!)) as unknown,
    { calls: CALLS, config },
  );
  process.stdout.write(JSON.stringify(seen), () => process.exit(0));
}
main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
