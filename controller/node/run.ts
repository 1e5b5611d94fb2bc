// SPDX-License-Identifier: Apache-2.0
// Runs a program to its end and answers what it printed. For the commands that are seldom; the frequent ones go through the co-process.
import { execFile } from "node:child_process";
import { NodeError } from "./errors";

export type Run = (command: readonly string[], input?: string) => Promise<string>;

/** @throws NodeError ToolMissing where the program is not there, CommandFailed with what it said on stderr */
export const runCommand: Run = (command, input) =>
  new Promise((resolve, reject) => {
    const [program = "", ...args] = command;
    const child = execFile(program, args, { maxBuffer: 1 << 28, timeout: 20_000 }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      if (error.code === "ENOENT") return reject(new NodeError("ToolMissing", `${program} is not installed`, error));
      reject(new NodeError("CommandFailed", `${command.join(" ")}: ${stderr.trim() || error.message}`, error));
    });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input ?? "");
  });
