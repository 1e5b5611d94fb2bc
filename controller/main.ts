// SPDX-License-Identifier: Apache-2.0
// Entry point of the bundle: `main controller [flags]`. Flags are the same that components/ writes into the Deployment.
import { randomBytes } from "node:crypto";
import { Command, InvalidArgumentError, Option } from "commander";
import pino from "pino";
import { agentCommand } from "./agent";
import { CONTROLLER, NAMESPACE } from "./api";
import { runCli } from "./cli";
import { inClusterConfig, kubeconfigClient } from "./kubernetes";
import { startController, type ControllerOptions } from "./manager";
import { readFileSync } from "node:fs";

interface Flags {
  project: string;
  region: string;
  networkProject?: string;
  namespace: string;
  datapath: "dataplane-v2" | "device" | "linux";
  kind: "bundled" | "observe";
  computeEndpoint?: string;
  computeAuth: "adc" | "none";
  gkeClasses: "never" | "if-absent";
  healthPort: number;
  metricsPort: number;
  workers: number;
  driftIntervalSeconds: number;
  nodeLossHoldPercent: number;
  nodeLossHoldSeconds: number;
  logLevel: string;
  kubeconfig?: string;
}

const whole =
  (least: number, most: number) =>
  (text: string): number => {
    const n = Number(text);
    if (!Number.isInteger(n) || n < least || n > most)
      throw new InvalidArgumentError(`must be a whole number from ${least} to ${most}`);
    return n;
  };

function program(env: NodeJS.ProcessEnv): Command {
  const controller = new Command("controller")
    .description("choose Pods for persistent addresses and program Google Cloud")
    .requiredOption("--project <id>", "Google Cloud project of the addresses and VMs")
    .requiredOption("--region <name>", "region of the addresses and of the cluster")
    .option("--cluster-name <name>", "name of the cluster, for logs")
    .option("--cluster-location <location>", "location of the cluster, for logs")
    .option("--network-project <id>", "Shared VPC host project, where it is another one")
    .option("--namespace <name>", "namespace of the Lease", env.POD_NAMESPACE ?? NAMESPACE)
    .addOption(
      new Option("--datapath <mode>", "what programs the node")
        .choices(["dataplane-v2", "device", "linux"])
        .default("dataplane-v2"),
    )
    .option("--compute-endpoint <url>", "root URL of the Compute API, for a private endpoint", env.COMPUTE_ENDPOINT)
    .addOption(new Option("--compute-auth <how>", "credentials for the Compute API").choices(["adc", "none"]).default("adc"))
    .addOption(
      new Option("--gke-classes <when>", "make GKE's GatewayClass names where the cluster has none")
        .choices(["never", "if-absent"])
        .default("never"),
    )
    .addOption(
      new Option("--kind <kind>", "bundled: do the work; observe: watch and measure, write nothing")
        .choices(["bundled", "observe"])
        .default("bundled"),
    )
    .option("--health-port <port>", "port of /healthz and /readyz", whole(0, 65535), 8081)
    .option("--metrics-port <port>", "port of /metrics", whole(0, 65535), 8080)
    .option("--workers <n>", "reconciles at a time", whole(1, 256), 16)
    .option("--drift-interval-seconds <n>", "how often Google Cloud is read anew", whole(5, 86400), 60)
    .option(
      "--node-loss-hold-percent <n>",
      "nothing moves while more of the nodes were lost at once; 100: off",
      whole(1, 100),
      55,
    )
    .option("--node-loss-hold-seconds <n>", "how long that lasts at most", whole(1, 86400), 600)
    .addOption(new Option("--log-level <level>").choices(["debug", "info", "warn", "error"]).default("info"))
    .option("--kubeconfig <file>", "run outside of a cluster with this file");
  controller.action((flags: Flags) => run(flags, env));
  return new Command("persistent-ip")
    .description("Persistent IP addresses for Pods on GKE")
    .addCommand(controller)
    .addCommand(agentCommand(env));
}

async function run(flags: Flags, env: NodeJS.ProcessEnv): Promise<void> {
  const logger = pino(
    { level: flags.logLevel, base: undefined, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ sync: true }),
  );
  const instance = env.POD_NAME ?? CONTROLLER;
  const options: ControllerOptions = {
    ...flags,
    kubernetes: flags.kubeconfig
      ? kubeconfigClient(readFileSync(flags.kubeconfig, "utf8"))
      : inClusterConfig(env, env.SERVICE_ACCOUNT_DIR),
    identity: `${instance}_${randomBytes(4).toString("hex")}`,
    instance,
    driftIntervalMs: flags.driftIntervalSeconds * 1000,
    logger,
  };
  const die = (what: string) => (error: unknown) => {
    logger.error({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }, what);
    process.exit(1);
  };
  process.on("uncaughtException", die("uncaught exception")).on("unhandledRejection", die("unhandled rejection"));
  const controller = await startController(options);
  const stop = (signal: string) => () => {
    logger.info({ signal }, "stopping");
    controller.stop().then(() => process.exit(0), die("stop failed"));
  };
  process.once("SIGTERM", stop("SIGTERM")).once("SIGINT", stop("SIGINT"));
  const why = await controller.ended;
  if (why === undefined) return;
  logger.error({ why }, "ending");
  process.exit(1);
}

async function main(): Promise<void> {
  // The command line of `kubectl persistent-ip` has exit codes of its own (controller/cli).
  if (process.argv[2] === "cli") process.exitCode = await runCli(process.argv.slice(3), process.env);
  else await program(process.env).parseAsync(process.argv);
}
main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
