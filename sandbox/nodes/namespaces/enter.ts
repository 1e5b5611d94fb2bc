// SPDX-License-Identifier: Apache-2.0
// Runs the sandbox again inside namespaces of the user's own, where he is root: control plane, emulator, fabric, nodes and Pods all live in
// there, and go with it. The process outside only hands signals in and the exit code out.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { UNSHARE, withSystem } from "./requirements";

const INSIDE = "SANDBOX_INSIDE_NAMESPACES";
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * No name server can be reached in there. With an empty configuration a look-up is refused at once (as in a Pod of a node with kubelet); with the
 * machine's own it would take 20 seconds, which Google's client library waits for when it looks for the metadata server.
 */
const NO_NAMES = "if [ -e /etc/resolv.conf ]; then mount --bind /dev/null /etc/resolv.conf; fi";

/** Whether this process is the inner one. */
export const isInside = (env: NodeJS.ProcessEnv = process.env): boolean => env[INSIDE] === "1";

/** The inner process ends in order when the outer one is gone, however that ended. */
export function followOuter(): void {
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  process.channel?.unref();
}

/** The command line that starts a program of ours in there, loopback up. @param program file and arguments for Node.js */
export function innerCommand(program: readonly string[]): { command: string; args: string[] } {
  const script = `ip link set lo up\n${NO_NAMES}\nexec "$@"`;
  return { command: "unshare", args: [...UNSHARE, "sh", "-ec", script, "sandbox", process.execPath, ...program] };
}

/** Runs a program in there. @returns its exit code */
export async function runInside(program: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const { command, args } = innerCommand(program);
  // A session of its own: Ctrl-C comes to us alone, and is handed in once.
  const child = spawn(command, args, {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    detached: true,
    env: { ...withSystem(env), [INSIDE]: "1" },
  });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  return new Promise((done, fail) =>
    child
      .once("error", fail)
      .once("exit", (code, signal) => done(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))),
  );
}
