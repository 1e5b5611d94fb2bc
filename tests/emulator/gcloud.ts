// SPDX-License-Identifier: Apache-2.0
// Runs the real gcloud against an emulator, with the settings of gcloud-requests.md section 1, and reads the recorded
// commands to compare with.
import { execFile, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Exchange, Json, JsonObject } from "../../sandbox/emulator";

export interface RecordedRequest {
  method: string;
  path: string;
  id?: string;
  query?: Record<string, string>;
  body?: Json;
  status?: number;
  parts?: RecordedRequest[];
}

export interface RecordedCommand {
  command: string;
  exit: number;
  requests: RecordedRequest[];
}

/** The 43 recorded commands. */
export function recordedCommands(): RecordedCommand[] {
  const file = path.resolve(__dirname, "../../../shared/data/gcloud-requests.json");
  return (JSON.parse(fs.readFileSync(file, "utf8")) as { commands: RecordedCommand[] }).commands;
}

/** One line that says why gcloud tests are skipped, or undefined when gcloud is there. */
export function gcloudMissing(): string | undefined {
  const found = spawnSync("gcloud", ["--version"], {
    encoding: "utf8",
    env: { ...process.env, CLOUDSDK_CORE_DISABLE_PROMPTS: "1" },
  });
  return found.status === 0 ? undefined : "skipped: gcloud is not on PATH";
}

export interface Finished {
  exit: number;
  stdout: string;
  stderr: string;
}

/** gcloud with a configuration folder of its own. */
export class Gcloud {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "emulator-gcloud-"));

  constructor(
    private readonly url: string,
    private readonly project: string,
  ) {
    // Without this file, and it being young, gcloud looks for a metadata server by DNS.
    const gce = path.join(this.folder, "gce");
    fs.writeFileSync(gce, "False");
    fs.utimesSync(gce, new Date("2100-01-01"), new Date("2100-01-01"));
  }

  /** @param more further or other environment variables; undefined takes one away */
  run(args: readonly string[], more: Record<string, string | undefined> = {}): Promise<Finished> {
    const env = {
      ...process.env,
      CLOUDSDK_CONFIG: this.folder,
      CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: `${this.url}compute/v1/`,
      CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER: this.url,
      CLOUDSDK_API_ENDPOINT_OVERRIDES_SERVICEUSAGE: this.url,
      CLOUDSDK_AUTH_DISABLE_CREDENTIALS: "true",
      CLOUDSDK_CORE_PROJECT: this.project,
      CLOUDSDK_CORE_DISABLE_PROMPTS: "1",
      CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: "true",
      KUBECONFIG: path.join(this.folder, "kubeconfig"),
      ...more,
    };
    return new Promise((resolve) => {
      execFile("gcloud", args, { env, timeout: 60_000 }, (error, stdout, stderr) => {
        resolve({ exit: error ? Number(error.code ?? 1) : 0, stdout, stderr });
      });
    });
  }

  /** As on a VM whose metadata server is at `host`: the identity comes from there. */
  onVm(host: string): Record<string, string | undefined> {
    const gce = path.join(this.folder, "gce");
    fs.writeFileSync(gce, "True");
    fs.utimesSync(gce, new Date("2100-01-01"), new Date("2100-01-01"));
    return {
      CLOUDSDK_AUTH_DISABLE_CREDENTIALS: undefined,
      GCE_METADATA_HOST: host,
      GCE_METADATA_ROOT: host,
      GCE_METADATA_IP: host,
    };
  }

  /** The kubeconfig that gcloud has written. */
  kubeconfig(): string {
    return fs.readFileSync(path.join(this.folder, "kubeconfig"), "utf8");
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Filled in by the server and different in every run. */
const VOLATILE = ["fingerprint", "labelFingerprint"];

/** A request as it was recorded: no operation names, no hosts, no fingerprints. */
export function comparable(request: RecordedRequest | Exchange, url: string): JsonObject {
  const exchange = "methodId" in request;
  // The record names methods of the schema at hand only; global addresses are not among them.
  const id = exchange ? request.methodId.replace(/^compute\.globalAddresses\..*/, "") : request.id;
  const body = exchange ? request.request : request.body;
  const parts = request.parts?.map((part) => comparable(part, url));
  const query = request.query ?? {};
  return {
    method: request.method,
    path: request.path.replace(/\/operations\/[^/]+\/wait$/, "/operations/{operation}/wait"),
    ...(parts ? { parts } : { id: id ?? "", query: { ...query }, body: body === undefined ? null : plainBody(body, url) }),
    ...(request.status === undefined || !("status" in request) ? {} : { status: request.status }),
  };
}

function plainBody(body: Json, url: string): Json {
  if (typeof body === "string") return body.replace(/^https?:\/\/[^/]+\/compute\/v1\//, "{endpoint}");
  if (Array.isArray(body)) return body.map((part) => plainBody(part, url));
  if (typeof body !== "object" || body === null) return body;
  const kept = Object.entries(body).filter(([name]) => !VOLATILE.includes(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, plainBody(value, url)]));
}
