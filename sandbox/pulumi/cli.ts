// SPDX-License-Identifier: Apache-2.0
// The real Pulumi CLI with everything local: a file backend, a passphrase, its own home, attached providers and language host.
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { programEnv } from "./programenv";

export interface CliPlace {
  /** State, home and log folder. */
  dir: string;
  pulumiBinary: string;
  ports: {
    gcp: number;
    kubernetes: number;
    /** Only to attach the language host instead of having the CLI start it. */ language?: number;
  };
}

/** Not a secret: it only has to be the same for every run against one state folder. */
const PASSPHRASE = "sandbox";

/** The variables that make the CLI use this place and nothing else. `base` is kept where it does not interfere. */
export function cliEnv(place: CliPlace, base: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const inherited = Object.entries(programEnv(base)).filter(([name]) => !name.startsWith("PULUMI_"));
  const { gcp, kubernetes, language } = place.ports;
  return {
    ...Object.fromEntries(inherited),
    PATH: [path.dirname(place.pulumiBinary), base["PATH"]].filter(Boolean).join(path.delimiter),
    PULUMI_BACKEND_URL: `file://${path.join(place.dir, "state")}`,
    PULUMI_HOME: path.join(place.dir, "home"),
    PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_DEBUG_PROVIDERS: `gcp:${gcp},kubernetes:${kubernetes}`,
    ...(language === undefined ? {} : { PULUMI_DEBUG_LANGUAGES: `nodejs:${language}` }),
    NO_COLOR: "1",
  };
}

/** Makes the folders that the CLI expects, with an empty credentials file so that it never asks for a login. */
export function prepareFolders(dir: string): void {
  for (const name of ["state", "home"]) mkdirSync(path.join(dir, name), { recursive: true });
  writeFileSync(path.join(dir, "home", "credentials.json"), "{}\n", { flag: "w", mode: 0o600 });
}

export interface RunOptions {
  cwd: string;
  /** Called for every line of stdout and stderr, while it runs. */
  onLine?: (line: string) => void;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  /** What `signal` sends. Default SIGINT, which lets the engine write its state. */
  stopWith?: "SIGINT" | "SIGKILL";
}
export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the CLI to its end; a code other than 0 is no error here. @throws Error when it cannot be started */
export function runCli(binary: string, args: string[], env: NodeJS.ProcessEnv, options: RunOptions): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, { cwd: options.cwd, env: { ...env, ...options.env }, stdio: ["ignore", "pipe", "pipe"] });
    const stop = (): void => void child.kill(options.stopWith ?? "SIGINT");
    options.signal?.addEventListener("abort", stop, { once: true });
    const stdout = collect(child.stdout, options.onLine);
    const stderr = collect(child.stderr, options.onLine);
    child.once("error", (cause) => reject(new Error(`"${binary}" cannot be started: ${cause.message}`, { cause })));
    child.once("close", (code) => {
      options.signal?.removeEventListener("abort", stop);
      resolve({ code: code ?? 1, stdout: stdout(), stderr: stderr() });
    });
  });
}

function collect(stream: Readable, onLine: ((line: string) => void) | undefined): () => string {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  if (onLine !== undefined) createInterface({ input: stream }).on("line", onLine);
  return () => Buffer.concat(chunks).toString("utf8");
}
