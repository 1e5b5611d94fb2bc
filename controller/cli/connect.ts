// SPDX-License-Identifier: Apache-2.0
// Which cluster, and who we are there: kubectl's own flags, variables and defaults.
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createApiClient, inClusterConfig, kubeconfigClient, kubeconfigNamespace, type ApiClient } from "../kubernetes";
import { UsageError } from "./errors";

export interface ClusterFlags {
  kubeconfig?: string;
  context?: string;
  namespace?: string;
}
export interface Connection {
  client: ApiClient;
  namespace: string;
}

/** The kubeconfig file that kubectl would take. Of several in KUBECONFIG the first that exists: unlike kubectl we do not merge them. */
export function kubeconfigFile(flags: ClusterFlags, env: NodeJS.ProcessEnv): string | undefined {
  if (flags.kubeconfig !== undefined) {
    if (existsSync(flags.kubeconfig)) return flags.kubeconfig;
    throw new UsageError("--kubeconfig", `${flags.kubeconfig} does not exist`);
  }
  const listed = (env.KUBECONFIG ?? "").split(delimiter).filter((f) => f !== "");
  const found = listed.find((f) => existsSync(f));
  if (listed.length > 0 && found === undefined) throw new UsageError("KUBECONFIG", `${listed.join(", ")} does not exist`);
  if (found !== undefined) return found;
  const usual = join(env.HOME ?? homedir(), ".kube", "config");
  return existsSync(usual) ? usual : undefined;
}

/**
 * A client for the cluster of the flags; in a Pod without a kubeconfig, for the Pod's own cluster.
 * @throws UsageError, ConfigError
 */
export function connect(flags: ClusterFlags, env: NodeJS.ProcessEnv): Connection {
  const file = kubeconfigFile(flags, env);
  if (file === undefined) {
    if (!env.KUBERNETES_SERVICE_HOST)
      throw new UsageError("--kubeconfig", "is not given, KUBECONFIG is not set, and there is no ~/.kube/config");
    const client = createApiClient(inClusterConfig(env, env.SERVICE_ACCOUNT_DIR));
    return { client, namespace: flags.namespace ?? env.POD_NAMESPACE ?? "default" };
  }
  const text = readFileSync(file, "utf8");
  const context = flags.context === undefined ? {} : { context: flags.context };
  const client = createApiClient(kubeconfigClient(text, { ...context, baseDir: dirname(file) }));
  return { client, namespace: flags.namespace ?? kubeconfigNamespace(text, context) };
}
