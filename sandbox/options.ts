// SPDX-License-Identifier: Apache-2.0
// The sandbox's command line.
import { Command, InvalidArgumentError, Option } from "commander";
import type { DatapathKind, PacketNodes } from "./world/packets";

export interface RunFlags {
  once: boolean;
  report?: string;
  env?: string;
  latency: number;
  crdDelay: number;
  verbose: boolean;
  packets: boolean;
  datapath: DatapathKind;
  /** What nodes with real packets are; `auto`: the most real that this machine allows. */
  nodes: PacketNodes | "auto";
}
export interface Actions {
  run(flags: RunFlags): Promise<void>;
  exec(command: string[], flags: RunFlags): Promise<void>;
}

const milliseconds = (text: string): number => {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 0 || n > 600_000)
    throw new InvalidArgumentError("must be a whole number of milliseconds from 0 to 600000");
  return n;
};

export function cli(actions: Actions): Command {
  const program = new Command("sandbox")
    .enablePositionalOptions()
    .description(
      "the whole system on this machine: real Kubernetes control plane, real Pulumi engine, an emulator of Google's API",
    )
    .option("--once", "do the demonstration, clean up, exit 0 or 1", false)
    .option("--report <file>", "write what happened as JSON")
    .option("--env <file>", "write the variables that attach kubectl, gcloud and pulumi, once it is up")
    .option("--latency <ms>", "how long an operation of Google Cloud takes here", milliseconds, 400)
    .option("--crd-delay <ms>", "GKE installs its CRDs this late", milliseconds, 0)
    .option("--packets", "real packets through nodes and Pods of this machine, and how many of them a move loses (Linux)", false)
    .addOption(
      new Option("--datapath <kind>", "with --packets: our node agent, or Google's as far as it is known")
        .choices(["linux", "dataplane-v2"])
        .default("linux"),
    )
    .addOption(
      new Option("--nodes <kind>", "with --packets: kubelets and containers (root), or plain namespaces (any user)")
        .choices(["auto", "kubelets", "namespaces"])
        .default("auto"),
    )
    .option("--verbose", "print what the world does", false)
    .allowExcessArguments(false)
    .action((flags: RunFlags) => actions.run(flags));
  program
    .command("exec")
    .description(
      "start a world, run a command in it (for example: exec -- pulumi preview), clean up; the exit code is the command's",
    )
    .argument("<command...>")
    .passThroughOptions()
    .action((command: string[]) => actions.exec(command, program.opts<RunFlags>()));
  return program;
}
