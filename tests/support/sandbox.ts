// SPDX-License-Identifier: Apache-2.0
// One sandbox for all files of a run: the quickstart brought up by the real engine, and the clients that judge it.
import { execFile } from "node:child_process";
import * as path from "node:path";
import { promisify } from "node:util";
import type { AddressBinding, Condition, Gateway, GKEIPRoute } from "../../controller/api";
import { createStack, ROOT, untilReady, type Stack } from "../../sandbox/demo";
import { ensureTools, ToolsMissingError } from "../../sandbox/tools";
import { startWorld, type World } from "../../sandbox/world/world";
import { eventually, run, runOk, type Ran } from "./clients";

export const SEED = path.resolve(ROOT, "../shared/data/seed");

export interface Sandbox {
  world: World;
  stack: Stack;
  env: Record<string, string>;
  kubectl(args: string[], input?: object | string): Promise<string>;
  /** kubectl that may fail. */
  kubectlRan(args: string[], input?: object | string): Promise<Ran>;
  gcloud(args: string[]): Promise<string>;
  gcloudRan(args: string[]): Promise<Ran>;
  /** gcloud with --format=json, parsed. */
  gcloudJson<T>(args: string[]): Promise<T>;
  get<T>(path: string): Promise<T>;
  route(namespace: string, name: string): Promise<GKEIPRoute>;
  gateway(namespace: string, name: string): Promise<Gateway>;
  binding(name: string): Promise<AddressBinding>;
}

let shared: Promise<Sandbox> | undefined;

async function open(): Promise<Sandbox> {
  const tools = await ensureTools();
  await promisify(execFile)(process.execPath, [require.resolve("ts-node/dist/bin"), "-T", "scripts/build.ts", "--if-needed"], {
    cwd: ROOT,
  });
  // Set SANDBOX_DIR to keep state and logs for a look afterwards.
  const dir = process.env.SANDBOX_DIR;
  const world = await startWorld({ tools, operationLatencyMs: 200, ...(dir ? { dir } : {}) });
  // Other addresses than the seed's, which the tests reserve as its reader would.
  const stack = await createStack(world, {
    "gke-persistent-ip:externalAddresses[0]": "34.123.20.1",
    "gke-persistent-ip:externalAddresses[1]": "34.123.20.2",
    "gke-persistent-ip:protect": "false",
  });
  await stack.pulumi(["up", "--yes", "--skip-preview"]);
  await untilReady(world, 90_000);
  const env: Record<string, string> = { ...world.env(), PULUMI_STACK: stack.name };
  const text = (input: object | string | undefined): { input?: string } =>
    input === undefined ? {} : { input: typeof input === "string" ? input : JSON.stringify(input) };
  const { admin } = world.cluster().controlPlane;
  const get = <T>(url: string): Promise<T> => admin.request<T>("GET", url);
  return {
    world,
    stack,
    env,
    kubectl: (args, input) => runOk(tools.kubectl, args, { env, ...text(input) }),
    kubectlRan: (args, input) => run(tools.kubectl, args, { env, ...text(input) }),
    gcloud: (args) => runOk("gcloud", args, { env }),
    gcloudRan: (args) => run("gcloud", args, { env }),
    gcloudJson: async <T>(args: string[]): Promise<T> =>
      JSON.parse(await runOk("gcloud", [...args, "--format=json"], { env })) as T,
    get,
    route: (namespace, name) => get(`/apis/networking.gke.io/v1/namespaces/${namespace}/gkeiproutes/${name}`),
    gateway: (namespace, name) => get(`/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/gateways/${name}`),
    binding: (name) => get(`/apis/gke-persistent-ip.dev/v1alpha1/addressbindings/${name}`),
  };
}

/**
 * Registers hooks that open the sandbox before the suite. Skips the suite, with the reason, where the real parts cannot be had.
 * @returns a function that answers the sandbox inside of tests
 */
export function useSandbox(): () => Sandbox {
  let sandbox: Sandbox | undefined;
  before(async function () {
    this.timeout(180_000);
    try {
      sandbox = await (shared ??= open());
    } catch (error) {
      if (!(error instanceof ToolsMissingError)) throw error;
      console.log(`      skipped: ${error.message.split("\n")[0]}`);
      this.skip();
    }
  });
  return () => sandbox!;
}

// Registered once, outside of every suite: runs after the last file.
after(async function () {
  this.timeout(60_000);
  const open = await shared?.catch(() => undefined);
  open?.stack.remove();
  await open?.world.stop();
});

/** Reserves an external address by value, unless it is reserved already. */
export async function reserve(s: Sandbox, name: string, address: string): Promise<void> {
  if (s.world.emulator.list("addresses").some((a) => a.address === address)) return;
  await s.gcloud(["compute", "addresses", "create", name, "--region", "us-central1", "--addresses", address]);
}

export const condition = (o: { status?: { conditions?: Condition[] } }, type: string): Condition | undefined =>
  o.status?.conditions?.find((c) => c.type === type);

export interface RouteWish {
  /** Condition type; default Ready. */
  type?: string;
  status: string;
  reason?: string;
  pod?: string;
  /** Default 30 s. */
  ms?: number;
}
function asWished(route: GKEIPRoute, want: RouteWish): boolean {
  const found = condition(route, want.type ?? "Ready");
  if (found?.status !== want.status || found.observedGeneration !== route.metadata.generation) return false;
  return (
    (want.reason === undefined || found.reason === want.reason) &&
    (want.pod === undefined || route.status?.pods?.[0] === want.pod)
  );
}

/** Waits until a route is as wished. @throws Error with its Pods and all conditions */
export function untilRoute(s: Sandbox, namespace: string, name: string, want: RouteWish): Promise<GKEIPRoute> {
  return eventually(async () => {
    const route = await s.route(namespace, name);
    if (!asWished(route, want))
      throw new Error(
        `${namespace}/${name}: wanted ${JSON.stringify(want)}, has pods ${JSON.stringify(route.status?.pods)} and ${JSON.stringify(route.status?.conditions, null, 1)}`,
      );
    return route;
  }, want.ms ?? 30_000);
}

/** The VM that Google Cloud sends an address to, as gcloud tells it. */
export async function vmOf(s: Sandbox, address: string): Promise<string | undefined> {
  const rules = await s.gcloudJson<{ IPAddress: string; target: string; name: string }[]>([
    "compute",
    "forwarding-rules",
    "list",
  ]);
  const rule = rules.find((r) => r.IPAddress === address);
  if (!rule) return undefined;
  const [, zone, target] = /zones\/([^/]+)\/targetInstances\/([^/]+)$/.exec(rule.target)!;
  const found = await s.gcloudJson<{ instance: string }>(["compute", "target-instances", "describe", target!, "--zone", zone!]);
  return found.instance.split("/").at(-1);
}
export const nodeOfPod = async (s: Sandbox, namespace: string, pod: string): Promise<string> =>
  (await s.get<{ spec: { nodeName: string } }>(`/api/v1/namespaces/${namespace}/pods/${pod}`)).spec.nodeName;
