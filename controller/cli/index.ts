// SPDX-License-Identifier: Apache-2.0
// `kubectl persistent-ip`: the command line as data for commander, and the one place where errors become words and exit codes.
import { randomUUID } from "node:crypto";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { newStopper, systemClock } from "../kubernetes";
import { checkItems } from "./check";
import {
  runAnalyze,
  runCheck,
  runExplain,
  runReplay,
  runStatus,
  runSysdump,
  type AnalyzeFlags,
  type CheckFlags,
  type StatusFlags,
} from "./commands";
import { connect, type Connection } from "./connect";
import { runGc, runMove, type GcFlags, type MoveFlags } from "./deeds";
import { EXIT, type ExitCode } from "./errors";
import type { CommonFlags, Session } from "./session";

/** A session on this process: its terminal, clock and environment. */
export function processSession(env: NodeJS.ProcessEnv, interrupted: AbortSignal): Session & { close(): Promise<void> } {
  const open = new Map<string, Connection>();
  return {
    terminal: {
      out: (line) => void process.stdout.write(`${line}\n`),
      err: (line) => void process.stderr.write(`${line}\n`),
    },
    now: () => Date.now(),
    uuid: randomUUID,
    sleep: async (ms) => {
      await systemClock.sleep(ms, interrupted);
      return interrupted.aborted;
    },
    connect: (flags) => {
      const key = JSON.stringify([flags.kubeconfig, flags.context, flags.namespace]);
      const found = open.get(key) ?? connect(flags, env);
      open.set(key, found);
      return found;
    },
    close: async () => void (await Promise.all([...open.values()].map((c) => c.client.close()))),
  };
}

const output = (): Option =>
  new Option("-o, --output <format>", "how to print").choices(["table", "json"] as const).default("table");

/** Flags that say which cluster, as kubectl has them. */
function clusterFlags(c: Command): Command {
  return c
    .option("--kubeconfig <file>", "kubeconfig; default KUBECONFIG, then ~/.kube/config")
    .option("--context <name>", "context of the kubeconfig; default its current one")
    .option("-n, --namespace <name>", "namespace; default that of the context");
}
/** Flags that say where Google Cloud is. */
function cloudFlags(c: Command, env: NodeJS.ProcessEnv): Command {
  return c
    .option("--project <id>", "read Google Cloud too, in this project (application default credentials)")
    .option("--region <name>", "its region; default that of the nodes")
    .option("--network-project <id>", "Shared VPC host project, where it is another one")
    .addOption(
      new Option("--compute-endpoint <url>", "root URL of the Compute API")
        .env("COMPUTE_ENDPOINT")
        .default(env.COMPUTE_ENDPOINT)
        .hideHelp(),
    )
    .addOption(new Option("--compute-auth <how>", "credentials for it").choices(["adc", "none"]).default("adc").hideHelp());
}

type Run = (answer: (session: Session) => Promise<ExitCode>) => Promise<void>;

/** The commands. @param run carries out the chosen one */
export function cliCommand(env: NodeJS.ProcessEnv, run: Run): Command {
  const cli = new Command("kubectl persistent-ip")
    .description("look into persistent addresses of Pods")
    .showHelpAfterError("(add --help for the flags)");
  const add = (name: string, says: string): Command => clusterFlags(cli.command(name).description(says));
  cloudFlags(
    add("explain", "why a route stands as it stands: a verdict for each Pod, the state of each address, the next step"),
    env,
  )
    .argument("[route]", "NAME or NAMESPACE/NAME; default: every route")
    .addOption(output())
    .action((route: string | undefined, f: CommonFlags) => run((s) => runExplain(s, route, f)));
  add("status", "one line an address")
    .option("-A, --all-namespaces", "routes of every namespace; the default where -n is not given")
    .option("-w, --watch", "print again whenever something changes")
    .addOption(output())
    .action((f: StatusFlags) => run((s) => runStatus(s, f)));
  add("analyze", "check routes and Gateways with the contract's own rules; exit code 1 where one has an error")
    .option("-f, --filename <file...>", "manifests (YAML or JSON); - is standard input")
    .option("--all", "the routes and Gateways of the cluster")
    .addOption(output())
    .action((f: AnalyzeFlags) => run((s) => runAnalyze(s, f)));
  cloudFlags(add("sysdump", "write everything that decisions are made from into one file, without Secrets"), env)
    .requiredOption("-o, --output-file <file>", "file to write; - is standard output")
    .action((f: CommonFlags & { outputFile: string }) => run((s) => runSysdump(s, { ...f, output: "json", file: f.outputFile })));
  cli
    .command("replay")
    .description("explain from a file that sysdump wrote, without a cluster")
    .argument("<file>", "file of sysdump; - is standard input")
    .argument("[route]", "NAME or NAMESPACE/NAME; default: every route")
    .option("-n, --namespace <name>", "namespace of a route without one")
    .addOption(output())
    .action((file: string, route: string | undefined, f: CommonFlags) => run((s) => runReplay(s, file, route, f)));
  addDeeds(add, env, run);
  return cli;
}

const number =
  (least: number, most: number) =>
  (text: string): number => {
    const n = Number(text);
    if (Number.isInteger(n) && n >= least && n <= most) return n;
    throw new InvalidArgumentError(`must be a whole number from ${least} to ${most}`);
  };
/** Commands about the cluster as a whole, and those that may change something. */
function addDeeds(add: (name: string, says: string) => Command, env: NodeJS.ProcessEnv, run: Run): void {
  cloudFlags(add("check", "compare the cluster with what docs/limits.md believes of GKE; exit code 1 where an item fails"), env)
    .option(
      "--only <item...>",
      `items to look at: ${checkItems()
        .map((i) => i.id)
        .join(", ")}`,
    )
    .addOption(output())
    .action((f: CheckFlags) => run((s) => runCheck(s, f)));
  add("move", "move an address to a Pod, make before break, and wait until it is there")
    .argument("<address>", "address, or name of its AddressBinding")
    .option("--to <pod>", "name of the Pod")
    .option("--clear", "leave the choice to the usual rule again")
    .option("--timeout <seconds>", "how long to wait", number(1, 3600), 120)
    .addOption(output())
    .action((address: string, f: MoveFlags) => run((s) => runMove(s, address, f)));
  cloudFlags(add("gc", "what of ours is left in Google Cloud without a claim; removes nothing without --delete"), env)
    .option("--delete", "remove it; reserved addresses stay in any case")
    .option("--cluster-uid <uid>", "of a cluster that is gone: UID of its namespace kube-system")
    .addOption(output())
    .action((f: GcFlags) => run((s) => runGc(s, f)));
}

/** Ends a usage error with code 2: 1 is a bad answer. */
function strict(c: Command): Command {
  c.exitOverride();
  c.commands.forEach(strict);
  return c;
}

/**
 * Runs one command line.
 * @param args what stands behind `cli`
 * @returns the exit code: 0 good, 1 the answer is bad, 2 no answer
 */
export async function runCli(args: readonly string[], env: NodeJS.ProcessEnv, session?: Session): Promise<ExitCode> {
  const interrupt = newStopper();
  const stop = (): void => interrupt.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const own = session ? undefined : processSession(env, interrupt.signal);
  const s = session ?? own!;
  let code: ExitCode = EXIT.good;
  const run: Run = async (answer) => void (code = await answer(s));
  const program = strict(cliCommand(env, run)).configureOutput({
    writeOut: (text) => s.terminal.out(text.trimEnd()),
    writeErr: (text) => s.terminal.err(text.trimEnd()),
  });
  program.commands.forEach((c) => c.copyInheritedSettings(program));
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.good : EXIT.failed;
    s.terminal.err(`error: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT.failed;
  } finally {
    process.removeListener("SIGINT", stop).removeListener("SIGTERM", stop);
    await own?.close();
  }
}
