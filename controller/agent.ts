// SPDX-License-Identifier: Apache-2.0
// `main agent`: the command line of the node agent. It ends on SIGTERM and leaves everything in place; `--cleanup` takes everything away.
import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import pino from "pino";
import { inClusterConfig, kubeconfigClient, systemClock, type Clock } from "./kubernetes";
import { startAgentSource } from "./manager/agent";
import { AgentHealth } from "./manager/agent-health";
import {
  cleanup,
  IpCoprocess,
  isInterfaceName,
  NodeAgent,
  NUMBERS,
  runCommand,
  watchFile,
  writeWhole,
  type Intent,
  type Mode,
  type NetworkIntent,
  type Numbers,
  type PassReport,
} from "./node";
import { isIPv4 } from "node:net";

export interface AgentFlags {
  nodeName?: string;
  kubeconfig?: string;
  desired?: string;
  status?: string;
  once?: boolean;
  cleanup?: boolean;
  network: NetworkIntent[];
  protocol: number;
  tableIn: number;
  tableOut: number;
  prefIn: number;
  prefOut: number;
  antiSpoof: Mode;
  masqueradeExemption: Mode;
  forwardAccept: "auto" | "off";
  netnsDir?: string;
  procSysNet: string;
  trustCni?: boolean;
  debounceMs: number;
  periodicSeconds: number;
  healthPort?: number;
  metricsPort?: number;
  logLevel: string;
}

const whole =
  (least: number, most: number) =>
  (text: string): number => {
    const n = Number(text);
    if (!Number.isInteger(n) || n < least || n > most)
      throw new InvalidArgumentError(`must be a whole number from ${least} to ${most}`);
    return n;
  };

/** `blue=nic1`, `blue=nic1,10.1.0.1`, `blue=nic1,10.1.0.1,3`. */
export function networkFlag(text: string, before: NetworkIntent[]): NetworkIntent[] {
  const parts = /^([^=]+)=([^,]+)(?:,([^,]*))?(?:,(\d+))?$/.exec(text);
  const [, name, nic, gateway, index] = parts ?? [];
  if (!name || !nic || !isInterfaceName(nic))
    throw new InvalidArgumentError('must be of the form "network=nic[,gateway[,index]]"');
  if (gateway && !isIPv4(gateway)) throw new InvalidArgumentError(`gateway ${gateway} is not an IPv4 address`);
  const numbered = index ? { index: Number(index) } : {};
  return [...before, { name, nic, ...(gateway ? { gateway } : {}), ...numbered }];
}

const modes = (flags: string, what: string): Option => new Option(flags, what).choices(["auto", "on", "off"]).default("auto");

export function agentCommand(env: NodeJS.ProcessEnv): Command {
  return new Command("agent")
    .description("program this node's kernel so that packets reach the Pods that own addresses, and leave with them")
    .option("--node-name <name>", "name of this node", env.NODE_NAME)
    .option("--kubeconfig <file>", "run outside of a cluster with this file")
    .option("--desired <file>", "take the wish from this file instead of an API server")
    .option("--status <file>", "write the status of every address into this file after each pass")
    .option("--once", "one pass, then end; exit code 1 where something is not programmed")
    .option("--cleanup", "remove everything that carries our marks, then end")
    .option("--network <network=nic>", "NIC of a network, also network=nic,gateway,index; can be repeated", networkFlag, [])
    .option("--protocol <n>", "routing protocol number that marks our objects", whole(5, 255), NUMBERS.protocol)
    .option("--table-in <n>", "first of our inbound tables", whole(256, 2 ** 31), NUMBERS.tableIn)
    .option("--table-out <n>", "first of our outbound tables", whole(256, 2 ** 31), NUMBERS.tableOut)
    .option("--pref-in <n>", "preference of our inbound rules", whole(1, 32765), NUMBERS.prefIn)
    .option("--pref-out <n>", "preference of our outbound rules", whole(1, 32765), NUMBERS.prefOut)
    .addOption(modes("--anti-spoof <mode>", "drop what other Pods send with a persistent address"))
    .addOption(modes("--masquerade-exemption <mode>", "keep masquerading rules away from the addresses"))
    .addOption(
      new Option("--forward-accept <mode>", "let the addresses through FORWARD chains that drop")
        .choices(["auto", "off"])
        .default("auto"),
    )
    .option("--netns-dir <dir>", "look into Pods through their namespaces here (needs SYS_ADMIN)")
    .option("--proc-sys-net <dir>", "a writable /proc/sys/net of the node", "/proc/sys/net")
    .option("--trust-cni", "do not ask whether the CNI owns the path")
    .option("--debounce-ms <n>", "how long hints of the kernel are collected", whole(0, 10_000), 10)
    .option("--periodic-seconds <n>", "a pass at least so often", whole(1, 3600), 30)
    .option(
      "--health-port <port>",
      "port of /healthz and /readyz on the loopback interface; needs --metrics-port",
      whole(1, 65535),
    )
    .option("--metrics-port <port>", "port of /metrics; needs --health-port", whole(1, 65535))
    .addOption(new Option("--log-level <level>").choices(["debug", "info", "warn", "error"]).default("info"))
    .action((flags: AgentFlags) => runAgent(flags, env));
}

/** @throws Error for flags that do not go together */
function numbersOf(f: AgentFlags): Numbers {
  const { span } = NUMBERS;
  if (Math.abs(f.tableIn - f.tableOut) < span) throw new Error(`--table-in and --table-out must be ${span} apart at least`);
  if (f.prefIn >= f.prefOut) throw new Error("--pref-in must be less than --pref-out");
  return { protocol: f.protocol, tableIn: f.tableIn, tableOut: f.tableOut, prefIn: f.prefIn, prefOut: f.prefOut, span };
}

/** Counts passes, and answers probes where it is told to. @throws Error for one port without the other, and for a port that is taken */
async function healthOf(f: AgentFlags, clock: Clock, listed: () => boolean): Promise<AgentHealth & { end: () => Promise<void> }> {
  const { healthPort = 0, metricsPort = 0 } = f;
  if ((healthPort === 0) !== (metricsPort === 0)) throw new Error("--health-port and --metrics-port go together");
  const health = new AgentHealth({ healthPort, metricsPort, clock, periodicMs: f.periodicSeconds * 1000, listed });
  return Object.assign(health, { end: healthPort === 0 ? () => Promise.resolve() : await health.serve() });
}

async function runAgent(flags: AgentFlags, env: NodeJS.ProcessEnv): Promise<void> {
  const logger = pino(
    { level: flags.logLevel, base: undefined, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ sync: true }),
  );
  const clock = systemClock;
  const numbers = numbersOf(flags);
  const ip = new IpCoprocess({ clock });
  await checkTools();
  if (flags.cleanup) {
    const removed = await cleanup({ ip, run: runCommand, logger, numbers });
    ip.close();
    logger.info({ removed }, "everything of ours is gone");
    return;
  }
  const listeners: ((r: PassReport) => void)[] = [];
  const agent = new NodeAgent(
    {
      ip,
      run: runCommand,
      clock,
      logger,
      numbers,
      antiSpoof: flags.antiSpoof,
      keepSource: flags.masqueradeExemption,
      forwardAccept: flags.forwardAccept,
      procSysNet: flags.procSysNet,
      trustCni: flags.trustCni === true,
      debounceMs: flags.debounceMs,
      periodicMs: flags.periodicSeconds * 1000,
      ...(flags.netnsDir ? { netnsDir: flags.netnsDir } : {}),
    },
    (report) => listeners.forEach((tell) => tell(report)),
  );
  const { status: statusFile } = flags;
  let passes = 0;
  if (statusFile)
    listeners.push((r) => writeWhole(statusFile, `${JSON.stringify({ pass: (passes += 1), ...r, ipProcesses: ip.starts })}\n`));
  const die = (what: string) => (error: unknown) => {
    logger.error({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }, what);
    process.exit(1);
  };
  process.on("uncaughtException", die("uncaught exception")).on("unhandledRejection", die("unhandled rejection"));
  const ended: (() => void | Promise<void>)[] = [];
  let listed = (): boolean => true;
  const health = await healthOf(flags, clock, () => listed());
  listeners.push((r) => health.passed(r));
  ended.push(health.end);
  const want = (intent: Intent): void => {
    health.wanted();
    agent.want(intent);
  };
  if (flags.once) listeners.push((r) => process.exit(r.statuses.every((s) => s.programmed) && r.failures.length === 0 ? 0 : 1));
  else agent.start();
  if (flags.desired) ended.push(watchFile(flags.desired, { clock, logger }, want));
  else {
    const kubernetes = flags.kubeconfig
      ? kubeconfigClient(readFileSync(flags.kubeconfig, "utf8"))
      : inClusterConfig(env, env.SERVICE_ACCOUNT_DIR);
    const node = flags.nodeName;
    if (!node) throw new Error("--node-name (or NODE_NAME) is missing: the agent must know on which node it is");
    const source = startAgentSource({ kubernetes, node, networks: flags.network, clock, logger, want });
    listed = () => source.ready();
    listeners.push((r) => source.report(r.statuses));
    ended.push(() => source.stop());
  }
  const stop = (signal: string) => () => {
    logger.info({ signal }, "stopping; everything stays in place");
    Promise.all([...ended.map((end) => end()), agent.stop()]).then(() => process.exit(0), die("stop failed"));
  };
  process.once("SIGTERM", stop("SIGTERM")).once("SIGINT", stop("SIGINT"));
}

/** busybox has an `ip` too, without JSON and without `rule … protocol`. */
async function checkTools(): Promise<void> {
  const said = await runCommand(["ip", "-V"]).catch((error: unknown) => String(error));
  if (!said.includes("iproute2"))
    throw new Error(`the agent needs ip of iproute2 5 or later; "ip -V" says: ${said.trim().slice(0, 200)}`);
}
