// SPDX-License-Identifier: Apache-2.0
// Where the API server is and who we are: from the Pod's service account, or from a kubeconfig (token, token file, client
// certificate, exec plugin). Own code over `yaml`, see docs/adr/0002-kubernetes-client.md.
import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { parse } from "yaml";
import { type Clock, systemClock } from "./clock";
import { execTokenProvider, type ExecConfig } from "./exec";
import type { ClientConfig } from "./transport";

/** A kubeconfig or environment that cannot be used; the message names the field, its value and what is allowed. */
export class ConfigError extends Error {
  readonly code = "InvalidConfig";
  readonly retry = false;

  constructor(
    readonly field: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${field}: ${problem}`, options);
    this.name = "ConfigError";
  }
}

const SERVICE_ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * Configuration inside a Pod. The token file is not read here: the client reads it when needed and again as it rotates.
 * @throws ConfigError outside a Pod, or when the CA file cannot be read
 */
export function inClusterConfig(
  env: NodeJS.ProcessEnv = process.env,
  serviceAccountDir: string = SERVICE_ACCOUNT_DIR,
): ClientConfig {
  const host = env["KUBERNETES_SERVICE_HOST"];
  const port = env["KUBERNETES_SERVICE_PORT"];
  if (!host || !port) {
    const missing = host ? "KUBERNETES_SERVICE_PORT" : "KUBERNETES_SERVICE_HOST";
    throw new ConfigError(missing, "is not set; the kubelet sets it in every Pod, outside of one use a kubeconfig");
  }
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    caPem: readPem("service account ca.crt", join(serviceAccountDir, "ca.crt")),
    tokenFile: join(serviceAccountDir, "token"),
  };
}

export interface KubeconfigOptions {
  /** Name of the context; default is `current-context`. */
  context?: string;
  /** Folder for relative file names; default is the working directory. */
  baseDir?: string;
  clock?: Clock;
}

interface ClusterEntry {
  server?: string;
  "certificate-authority"?: string;
  "certificate-authority-data"?: string;
  "insecure-skip-tls-verify"?: boolean;
  "tls-server-name"?: string;
  "proxy-url"?: string;
}

interface UserEntry {
  token?: string;
  tokenFile?: string;
  "client-certificate"?: string;
  "client-certificate-data"?: string;
  "client-key"?: string;
  "client-key-data"?: string;
  exec?: ExecConfig;
  username?: string;
  "auth-provider"?: { name?: string };
}

interface Kubeconfig {
  "current-context"?: string;
  contexts?: { name: string; context?: { cluster?: string; user?: string; namespace?: string } }[] | null;
  clusters?: { name: string; cluster?: ClusterEntry }[] | null;
  users?: { name: string; user?: UserEntry | null }[] | null;
}

/**
 * Configuration from the text of a kubeconfig. An exec plugin is only started when a token is first needed.
 * @throws ConfigError naming the field when the text is not a kubeconfig or asks for something unsupported
 */
export function kubeconfigClient(kubeconfigYaml: string, options: KubeconfigOptions = {}): ClientConfig {
  const config = parseKubeconfig(kubeconfigYaml);
  const context = contextOf(config, options.context);
  const cluster = pick("clusters", config.clusters, context.cluster).cluster ?? {};
  const user = context.user ? (pick("users", config.users, context.user).user ?? {}) : {};
  const files = new Files(options.baseDir ?? process.cwd());
  return {
    ...clusterConfig(cluster, context.cluster ?? "", files),
    ...userConfig(user, files),
    tokenProvider: user.exec === undefined ? undefined : execTokenProvider(user.exec, cluster, options.clock ?? systemClock),
  };
}

function contextOf(config: Kubeconfig, asked: string | undefined): { cluster?: string; user?: string; namespace?: string } {
  const name = asked ?? config["current-context"];
  if (!name) throw new ConfigError("current-context", "is not set; name a context");
  return pick("contexts", config.contexts, name).context ?? {};
}

/** Namespace of a kubeconfig's context, as kubectl would use it ("default" where none is set). */
export function kubeconfigNamespace(kubeconfigYaml: string, options: { context?: string } = {}): string {
  return contextOf(parseKubeconfig(kubeconfigYaml), options.context).namespace ?? "default";
}

function parseKubeconfig(text: string): Kubeconfig {
  let parsed: unknown;
  try {
    parsed = parse(text);
  } catch (error) {
    throw new ConfigError("kubeconfig", `is not YAML (${error instanceof Error ? error.message : String(error)})`, {
      cause: error,
    });
  }
  if (typeof parsed !== "object" || parsed === null) throw new ConfigError("kubeconfig", "is empty; expected `kind: Config`");
  return parsed;
}

function pick<T extends { name: string }>(field: string, entries: T[] | null | undefined, name: string | undefined): T {
  const found = entries?.find((entry) => entry.name === name);
  if (found !== undefined) return found;
  const known = (entries ?? []).map((entry) => entry.name).join(", ");
  throw new ConfigError(
    field,
    `no entry named ${JSON.stringify(name ?? "")}; there ${known === "" ? "is none" : `are: ${known}`}`,
  );
}

function clusterConfig(cluster: ClusterEntry, name: string, files: Files): ClientConfig {
  if (!cluster.server) throw new ConfigError(`clusters[${name}].server`, "is missing; expected a URL such as https://host:port");
  if (cluster["proxy-url"])
    throw new ConfigError(`clusters[${name}].proxy-url`, `${cluster["proxy-url"]} is not supported; remove it`);
  return {
    server: cluster.server,
    caPem: files.pem("certificate-authority", cluster["certificate-authority-data"], cluster["certificate-authority"]),
    tlsServerName: cluster["tls-server-name"],
    insecureSkipTlsVerify: cluster["insecure-skip-tls-verify"],
  };
}

function userConfig(user: UserEntry, files: Files): Partial<ClientConfig> {
  if (user["auth-provider"]) {
    throw new ConfigError(
      "auth-provider",
      `${user["auth-provider"].name ?? ""} was removed in Kubernetes 1.26; use an exec plugin or a token`,
    );
  }
  if (user.username)
    throw new ConfigError("username", "basic authentication was removed in Kubernetes 1.19; use a token or a certificate");
  return {
    token: user.token,
    tokenFile: user.tokenFile === undefined ? undefined : files.path(user.tokenFile),
    clientCertPem: files.pem("client-certificate", user["client-certificate-data"], user["client-certificate"]),
    clientKeyPem: files.pem("client-key", user["client-key-data"], user["client-key"]),
  };
}

class Files {
  constructor(private readonly baseDir: string) {}

  path(file: string): string {
    return isAbsolute(file) ? file : join(this.baseDir, file);
  }

  // Inline data wins over a file, as in kubectl.
  pem(field: string, data: string | undefined, file: string | undefined): string | undefined {
    if (data) return Buffer.from(data, "base64").toString("utf8");
    return file ? readPem(field, this.path(file)) : undefined;
  }
}

function readPem(field: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError(field, `${path} cannot be read`, { cause: error });
  }
}
