// SPDX-License-Identifier: Apache-2.0
// One init container: a program that must come to a good end before the Pod's others start.
import { mkdir } from "node:fs/promises";
import { logTail, startProcess } from "../controlplane/processes";
import { hostCommand, hostEnvironment, type CommandContext } from "./pod-command";
import type { PodPlace } from "./pod-place";
import { PodError, type Container } from "./pod-types";

export interface InitOptions {
  spec: Container;
  command: CommandContext;
  cwd: string;
  logFile: string;
  place?: PodPlace;
}

/** Runs it to its end. @throws PodError with the end of its output, unless it ends with 0 */
export async function runInitContainer({ spec, command, cwd, logFile, place }: InitOptions): Promise<void> {
  await mkdir(cwd, { recursive: true });
  const line = hostCommand(spec, command);
  const words = place?.inside(line) ?? line;
  const child = await startProcess({ name: spec.name, ...words, cwd, env: hostEnvironment(spec, command), logFile });
  const { code, signal } = await child.exited;
  if (code !== 0)
    throw new PodError("Init:Error", `init container ${spec.name} ended with ${signal ?? code}: ${logTail(logFile, 5)}`);
}
