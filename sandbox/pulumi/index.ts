// SPDX-License-Identifier: Apache-2.0
// The door of this room: what the real Pulumi CLI needs to run a program on one machine. Two providers and a language host, served
// from this process, and the variables that attach them.
import * as path from "node:path";
import { cliEnv, prepareFolders, runCli, type RunOptions, type RunResult } from "./cli";
import { gcpProvider } from "./gcp";
import { kubernetesProvider } from "./kubernetes";
import { startLanguageHost } from "./langhost";
import { installLanguagePlugin } from "./langplugin";
import type { ProviderCall } from "./provider";
import { serveProvider } from "./providerkit";

export type { ProviderCall } from "./provider";
export type { RunOptions, RunResult } from "./cli";

export interface EngineParts {
  readonly pulumiBinary: string;
  readonly gcpPort: number;
  readonly kubernetesPort: number;
  readonly languagePort: number;
  /** PULUMI_HOME of the CLI: its plugins. */
  readonly home: string;
  /**
   * `base` (default: this process's) plus the PULUMI_* variables, PATH with the CLI's folder first, and no KUBECONFIG. Any shell that
   * has them can run the CLI; the program sees that shell's environment.
   */
  env(base?: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
  /** Every call of the engine to the two providers, oldest first. */
  readonly calls: ProviderCall[];
  stop(): Promise<void>;
}

export interface EngineOptions {
  /** Folder for the state backend and the CLI's home; made if missing. */
  dir: string;
  pulumiBinary: string;
  /** Root of the cloud emulator, with a slash at the end. */
  emulatorUrl: string;
  /** Project of resources that name none. */
  project: string;
  /** Region of resources that name none; without it such a resource is refused, as by the real provider. */
  region?: string;
  /** Bearer token for kubeconfig users with an exec plugin. */
  kubernetesToken?: () => string | undefined;
  /** Folder whose node_modules holds the @pulumi SDKs of the program; default: this package. */
  sdkRoot?: string;
  /**
   * Sets PULUMI_DEBUG_LANGUAGES: saves starting the language host for each command, but the program then gets the environment of
   * this process, and its output goes to `onProgramOutput` (default: stderr) instead of the CLI's. Default: false.
   */
  attachLanguage?: boolean;
  onProgramOutput?: (text: string) => void;
}

/** Serves the providers and the language host until `stop`. @throws Error when a port or an SDK is missing */
export async function startEngineParts(options: EngineOptions): Promise<EngineParts> {
  prepareFolders(options.dir);
  const calls: ProviderCall[] = [];
  const sdkRoot = options.sdkRoot ?? __dirname;
  const gcp = await serveProvider(gcpProvider({ ...options, sdkRoot }), calls);
  const kubernetes = await serveProvider(kubernetesProvider({ sdkRoot, execToken: options.kubernetesToken }), calls);
  const language = await startLanguageHost("", options.onProgramOutput);
  const home = path.join(options.dir, "home");
  await installLanguagePlugin(home);
  const ports = { gcp: gcp.port, kubernetes: kubernetes.port, language: options.attachLanguage ? language.port : undefined };
  return {
    pulumiBinary: options.pulumiBinary,
    gcpPort: gcp.port,
    kubernetesPort: kubernetes.port,
    languagePort: language.port,
    home,
    calls,
    env: (base) => cliEnv({ dir: options.dir, pulumiBinary: options.pulumiBinary, ports }, base),
    async stop() {
      language.stop();
      await Promise.all([gcp.stop(), kubernetes.stop()]);
    },
  };
}

/** Runs the CLI with these parts attached. A code other than 0 is the caller's to judge. @throws Error when it cannot be started */
export function runPulumi(parts: EngineParts, args: string[], options: RunOptions): Promise<RunResult> {
  return runCli(parts.pulumiBinary, args, parts.env(), options);
}
