// SPDX-License-Identifier: Apache-2.0
// The provider's own reading of its configuration: which cluster, which user, which switches. The kubeconfig may keep an `exec`
// user (gke-gcloud-auth-plugin); the sandbox then supplies the token itself and starts no plugin.
import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { createApiClient, type ApiClient, type ClientConfig } from "../../../controller/kubernetes/transport";
import { ProviderError } from "../provider";
import { at, isRecord, textAt, type Json, type Props } from "../value";

export interface ProviderSettings {
  kubeconfig?: string;
  context?: string;
  cluster?: string;
  namespace: string;
  configMapMutable: boolean;
  secretMutable: boolean;
  patchForce: boolean;
  upsert: boolean;
  deleteUnreachable: boolean;
}

/** Reads the provider's inputs. The SDK sends switches as JSON text, so "true" and true are the same. */
export function settingsOf(config: Props): ProviderSettings {
  const flag = (key: string): boolean => config[key] === true || config[key] === "true";
  return {
    kubeconfig: kubeconfigText(config.kubeconfig),
    context: textAt(config, "context"),
    cluster: textAt(config, "cluster"),
    namespace: textAt(config, "namespace") || "default",
    configMapMutable: flag("enableConfigMapMutable"),
    secretMutable: flag("enableSecretMutable"),
    patchForce: flag("enablePatchForce"),
    upsert: flag("upsertExistingObjects"),
    deleteUnreachable: flag("deleteUnreachable"),
  };
}

function kubeconfigText(v: Json | undefined): string | undefined {
  if (isRecord(v)) return JSON.stringify(v);
  if (typeof v !== "string" || v === "") return undefined;
  return !v.includes("\n") && existsSync(v) ? readFileSync(v, "utf8") : v;
}

/** The cluster entry that context and cluster select, or undefined where the text is not a kubeconfig. */
export function activeCluster(settings: ProviderSettings): Props | undefined {
  const parsed = parsedConfig(settings);
  const context = entry(parsed, "contexts", settings.context ?? textAt(parsed, "current-context"))?.context;
  const cluster = entry(parsed, "clusters", settings.cluster ?? textAt(context, "cluster"))?.cluster;
  return isRecord(cluster) ? cluster : undefined;
}

function parsedConfig(settings: ProviderSettings): Json {
  try {
    return parse(settings.kubeconfig ?? "") as Json;
  } catch (cause) {
    throw new ProviderError("Unreachable", "kubeconfig: the text is not YAML", { cause });
  }
}

function entry(config: Json, list: string, name: string | undefined): Props | undefined {
  const found = at(config, list);
  return Array.isArray(found) ? found.filter(isRecord).find((e) => e.name === name) : undefined;
}

/**
 * A client for the cluster that the settings select.
 * @param execToken bearer token for a user with an `exec` plugin
 * @throws ProviderError Unreachable that names what the kubeconfig lacks
 */
export function connect(settings: ProviderSettings, execToken: () => string | undefined): ApiClient {
  const { server, cluster, user } = target(settings);
  try {
    return createApiClient({ server, ...tls(cluster), ...credentials(user, execToken), userAgent: "pulumi-kubernetes-sandbox" });
  } catch (cause) {
    throw unreachable(cause instanceof Error ? cause.message : String(cause));
  }
}

function target(settings: ProviderSettings): { server: string; cluster: Props | undefined; user: Json | undefined } {
  if (settings.kubeconfig === undefined) throw unreachable("kubeconfig is not set (the sandbox takes none from the environment)");
  const config = parsedConfig(settings);
  const name = settings.context ?? textAt(config, "current-context");
  const context = entry(config, "contexts", name)?.context;
  if (context === undefined) throw unreachable(`context "${name ?? ""}" is not in the kubeconfig`);
  const cluster = activeCluster(settings);
  const server = textAt(cluster, "server");
  if (server === undefined) throw unreachable(`the cluster of context "${name ?? ""}" has no server in the kubeconfig`);
  return { server, cluster, user: entry(config, "users", textAt(context, "user"))?.user };
}

const unreachable = (why: string): ProviderError =>
  new ProviderError("Unreachable", `configured Kubernetes cluster is unreachable: ${why}`);

function tls(cluster: Props | undefined): Partial<ClientConfig> {
  return {
    caPem: pem(cluster, "certificate-authority"),
    tlsServerName: textAt(cluster, "tls-server-name"),
    insecureSkipTlsVerify: cluster?.["insecure-skip-tls-verify"] === true,
  };
}

function credentials(user: Json | undefined, execToken: () => string | undefined): Partial<ClientConfig> {
  if (at(user, "exec") !== undefined || at(user, "auth-provider") !== undefined) {
    return { tokenProvider: () => tokenFor(textAt(user, "exec.command") ?? "an auth-provider", execToken) };
  }
  return {
    token: textAt(user, "token"),
    tokenFile: textAt(user, "tokenFile"),
    clientCertPem: pem(user, "client-certificate"),
    clientKeyPem: pem(user, "client-key"),
  };
}

async function tokenFor(command: string, execToken: () => string | undefined): Promise<string> {
  const token = execToken();
  if (token !== undefined) return Promise.resolve(token);
  throw unreachable(`the kubeconfig's user runs ${command}, and the sandbox was started without a token for such users`);
}

function pem(v: Json | undefined, key: string): string | undefined {
  const data = textAt(v, `${key}-data`);
  if (data !== undefined) return Buffer.from(data, "base64").toString("utf8");
  const file = textAt(v, key);
  return file === undefined ? undefined : readFileSync(file, "utf8");
}
