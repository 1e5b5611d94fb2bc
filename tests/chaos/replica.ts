// SPDX-License-Identifier: Apache-2.0
// A controller as it is shipped (one bundle, one process, its own token and rights), behind two proxies of its own: whatever it says to the API
// server and to Google Cloud is on record, by replica, and can be disturbed.
import { writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { stringify } from "yaml";
import { NAMESPACE } from "../../controller/api";
import { seededRandom } from "../../controller/kubernetes/testing";
import { logTail, startProcess, type Child } from "../../sandbox/controlplane";
import { createAuthority } from "../../sandbox/controlplane/x509";
import { ROOT } from "../../sandbox/demo";
import { patched } from "../simulator/mutation/hook";
import type { Patch } from "../simulator/mutation/list";
import { PROJECT, REGION, type Lab } from "./lab";
import { startFaultProxy, type FaultProxy } from "./proxy";

export interface ReplicaOptions {
  /** Unique in the lab; begins the identity in the Lease. */
  name: string;
  seed?: number;
  /** More flags of the controller. */
  flags?: string[];
  /** Bugs put into the bundle on purpose, to show that a check finds them. */
  bugs?: readonly Patch[];
}
export interface Replica {
  readonly name: string;
  /** Towards the API server. */
  readonly api: FaultProxy;
  /** Towards Google Cloud. */
  readonly compute: FaultProxy;
  readonly logFile: string;
  pid(): number | undefined;
  running(): boolean;
  start(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** Each log line as an object, the oldest first. */
  log(): Record<string, unknown>[];
  /** Ends the process and its proxies. */
  stop(): Promise<void>;
}

const bundles = new Map<string, Promise<string>>();
/** The bundle, made once a lab from the sources as they are, as scripts/build.ts makes it; with bugs, one beside it. */
function bundleIn(dir: string, bugs: readonly Patch[] = []): Promise<string> {
  const outfile = join(dir, `controller${bugs.length === 0 ? "" : `-with-${bugs.length}-bugs`}.js`);
  const entry = {
    ...{ entryPoints: [join(ROOT, "controller", "main.ts")], outfile, absWorkingDir: ROOT, logLevel: "warning" as const },
    ...{ bundle: true, platform: "node" as const, target: "node20", format: "cjs" as const, keepNames: true },
    plugins: bugs.length === 0 ? [] : [withBugs(bugs)],
  };
  const made = bundles.get(outfile) ?? build(entry).then(() => outfile);
  bundles.set(outfile, made);
  return made;
}
/** Changes the text between reading and compiling; the work tree is not touched. */
function withBugs(bugs: readonly Patch[]): Plugin {
  const texts = new Map<string, string>();
  for (const bug of bugs) {
    const file = join(ROOT, bug.file);
    texts.set(file, patched(texts.get(file) ?? readFileSync(file, "utf8"), bug));
  }
  return {
    name: "bugs",
    setup(b) {
      b.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = texts.get(path);
        return contents === undefined ? undefined : { contents, loader: "ts" };
      });
    },
  };
}

/** Makes the proxies, writes token and kubeconfig, and starts the process. */
export async function startReplica(lab: Lab, o: ReplicaOptions): Promise<Replica> {
  const ca = createAuthority(`proxy-${o.name}`);
  const { seed = 1, name } = o;
  const tokenFile = join(lab.dir, `${name}.token`);
  const api = await startFaultProxy({
    upstream: lab.plane.server,
    caPem: lab.plane.caPem,
    tls: ca.issue({ commonName: "kubernetes", hosts: ["127.0.0.1"] }),
    dialect: "kubernetes",
    random: seededRandom(seed),
  });
  const compute = await startFaultProxy({ upstream: lab.emulator.url, dialect: "google", random: seededRandom(seed + 1) });
  await writeFile(tokenFile, await lab.token(), { mode: 0o600 });
  const kubeconfig = join(lab.dir, `${name}.kubeconfig`);
  await writeFile(kubeconfig, kubeconfigOf(api.url, ca.certPem, tokenFile), { mode: 0o600 });
  const logFile = join(lab.dir, "log", `${name}.log`);
  const script = await bundleIn(lab.dir, o.bugs);
  const args = [
    ...[script, "controller", `--project=${PROJECT}`, `--region=${REGION}`, `--namespace=${NAMESPACE}`],
    ...[`--kubeconfig=${kubeconfig}`, `--compute-endpoint=${compute.url}/`, "--compute-auth=none", "--gke-classes=if-absent"],
    ...["--health-port=0", "--metrics-port=0", "--log-level=debug", "--drift-interval-seconds=5", ...(o.flags ?? [])],
  ];
  const env = { PATH: process.env["PATH"], HOME: lab.dir, POD_NAME: name };
  let child: Child | undefined;
  const replica: Replica = {
    ...{ name, api, compute, logFile },
    pid: () => (child?.exit() ? undefined : child?.pid),
    running: () => child !== undefined && child.exit() === undefined,
    async start() {
      child = await startProcess({ name, command: process.execPath, args, env, cwd: lab.dir, logFile });
    },
    signal: (signal) => child?.signal(signal),
    async kill() {
      child?.signal("SIGKILL");
      await child?.exited;
    },
    log: () => readFileSync(logFile, "utf8").split("\n").flatMap(parsed),
    async stop() {
      await child?.stop({ graceMs: 5_000 });
      await Promise.all([api.close(), compute.close()]);
    },
  };
  lab.onStop(() => replica.stop());
  await replica.start();
  return replica;
}

/** Starts a replica again whenever it ends, as a kubelet would, until the returned function is called. */
export function keepRunning(replica: Replica, everyMs = 100): () => void {
  let starting = false;
  const timer = setInterval(() => {
    if (starting || replica.running()) return;
    starting = true;
    void replica.start().finally(() => (starting = false));
  }, everyMs);
  return () => clearInterval(timer);
}

const parsed = (line: string): Record<string, unknown>[] => {
  try {
    return [JSON.parse(line) as Record<string, unknown>];
  } catch {
    return []; // cut off by a kill
  }
};

function kubeconfigOf(server: string, caPem: string, tokenFile: string): string {
  const data = Buffer.from(caPem).toString("base64");
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "lab", cluster: { server, "certificate-authority-data": data } }],
    users: [{ name: "controller", user: { tokenFile } }],
    contexts: [{ name: "lab", context: { cluster: "lab", user: "controller" } }],
    "current-context": "lab",
  });
}

/** The end of a replica's log, for error messages. */
export const tailOf = (replica: Replica, lines = 25): string => logTail(replica.logFile, lines);
