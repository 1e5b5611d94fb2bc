// SPDX-License-Identifier: Apache-2.0
// The variables that point gcloud, kubectl and pulumi, each as it is, at a sandbox (gcloud-requests.md 1 and 7; engine-lab.md 1).
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import * as path from "node:path";

export interface Place {
  dir: string;
  emulatorUrl: string;
  project: string;
  region: string;
  kubeconfig?: string;
  /** Folders for PATH, first wins. */
  bin: readonly string[];
  pulumi: Readonly<Record<string, string | undefined>>;
}

/** A fresh gcloud configuration folder that never asks the network whether this is a VM. */
export function gcloudFolder(dir: string): string {
  const folder = path.join(dir, "gcloud");
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, "gce");
  writeFileSync(file, "False");
  // gcloud looks again when the file is older than ten minutes.
  const later = new Date(Date.now() + 10 * 365 * 86_400_000);
  utimesSync(file, later, later);
  return folder;
}

export function environmentOf(p: Place): Record<string, string> {
  const pulumi = Object.entries(p.pulumi).filter((e): e is [string, string] => e[0].startsWith("PULUMI_") && e[1] !== undefined);
  return {
    ...(p.kubeconfig ? { KUBECONFIG: p.kubeconfig } : {}),
    CLOUDSDK_CONFIG: gcloudFolder(p.dir),
    CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: `${p.emulatorUrl}compute/v1/`,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER: p.emulatorUrl,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_SERVICEUSAGE: p.emulatorUrl,
    CLOUDSDK_AUTH_DISABLE_CREDENTIALS: "true",
    CLOUDSDK_CORE_PROJECT: p.project,
    CLOUDSDK_CORE_DISABLE_PROMPTS: "1",
    CLOUDSDK_COMPUTE_REGION: p.region,
    ...Object.fromEntries(pulumi),
    SANDBOX_ENDPOINT: p.emulatorUrl,
    SANDBOX_PROJECT: p.project,
    SANDBOX_REGION: p.region,
    SANDBOX_BIN: p.bin.join(path.delimiter),
  };
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Text for `source FILE` in a POSIX shell. */
export function shellFile(env: Record<string, string>): string {
  const { SANDBOX_BIN: bin = "", ...rest } = env;
  const lines = Object.entries(rest).map(([k, v]) => `export ${k}=${quote(v)}`);
  return [
    `# Points kubectl, gcloud and pulumi at a running sandbox: source this file.`,
    ...lines,
    `export SANDBOX_BIN=${quote(bin)}`,
    `export PATH=${quote(bin)}:"$PATH"`,
    "",
  ].join("\n");
}
