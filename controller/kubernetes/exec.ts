// SPDX-License-Identifier: Apache-2.0
// Exec credential plugins (gke-gcloud-auth-plugin and its like): run the program, read an ExecCredential from its output, keep
// the token until shortly before it expires. https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
import { execFile } from "node:child_process";
import type { Clock } from "./clock";
import { ApiError } from "./errors";
import type { TokenProvider } from "./token";

export interface ExecConfig {
  apiVersion?: string;
  command?: string;
  args?: string[] | null;
  env?: { name: string; value: string }[] | null;
  installHint?: string;
  provideClusterInfo?: boolean;
}

interface ExecCredential {
  apiVersion?: string;
  kind?: string;
  status?: { token?: string; expirationTimestamp?: string; clientCertificateData?: string };
}

const VERSIONS = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];
const PLUGIN_TIMEOUT_MS = 60_000;
const RENEW_BEFORE_EXPIRY_MS = 60_000;

/**
 * A token provider that runs the plugin when needed; calls that come together share one run.
 * The provider throws ApiError Unauthorized when the plugin fails or gives no token.
 */
export function execTokenProvider(exec: ExecConfig, cluster: object, clock: Clock): TokenProvider {
  let cached: { token: string; validUntil: number } | undefined;
  let running: Promise<string> | undefined;
  const run = async (): Promise<string> => {
    try {
      const credential = parseCredential(exec, await runPlugin(exec, cluster));
      cached = { token: credential.token, validUntil: credential.expires - RENEW_BEFORE_EXPIRY_MS };
      return credential.token;
    } finally {
      running = undefined;
    }
  };
  return ({ refresh }) => {
    if (!refresh && cached !== undefined && clock.now() < cached.validUntil) return Promise.resolve(cached.token);
    running ??= run();
    return running;
  };
}

function runPlugin(exec: ExecConfig, cluster: object): Promise<string> {
  const apiVersion = exec.apiVersion ?? "";
  if (!VERSIONS.includes(apiVersion)) {
    return Promise.reject(failure(exec, `apiVersion ${JSON.stringify(apiVersion)} is not one of ${VERSIONS.join(", ")}`));
  }
  const spec = { interactive: false, ...(exec.provideClusterInfo === true ? { cluster } : {}) };
  const env = {
    ...process.env,
    ...Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])),
    KUBERNETES_EXEC_INFO: JSON.stringify({ apiVersion, kind: "ExecCredential", spec }),
  };
  return new Promise((resolve, reject) => {
    const options = { env, timeout: PLUGIN_TIMEOUT_MS, maxBuffer: 1 << 20 };
    const child = execFile(exec.command ?? "", exec.args ?? [], options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const hint =
        (error as NodeJS.ErrnoException).code === "ENOENT"
          ? ` is not installed. ${exec.installHint ?? ""}`
          : ` failed: ${stderr.trim() || error.message}`;
      reject(failure(exec, hint.trim(), error));
    });
    child.stdin?.end();
  });
}

function parseCredential(exec: ExecConfig, output: string): { token: string; expires: number } {
  let credential: ExecCredential;
  try {
    credential = JSON.parse(output) as ExecCredential;
  } catch (error) {
    throw failure(exec, "did not print an ExecCredential as JSON", error);
  }
  const status = credential.status ?? {};
  if (!status.token) {
    throw failure(
      exec,
      status.clientCertificateData ? "gave a client certificate; only tokens are supported" : "gave no status.token",
    );
  }
  const expires = status.expirationTimestamp === undefined ? Number.POSITIVE_INFINITY : Date.parse(status.expirationTimestamp);
  // An unreadable date must not mean "valid for ever".
  return { token: status.token, expires: Number.isNaN(expires) ? 0 : expires };
}

function failure(exec: ExecConfig, problem: string, cause?: unknown): ApiError {
  return new ApiError("Unauthorized", `users[].user.exec: ${exec.command ?? "(no command)"}: ${problem}`, { cause });
}
