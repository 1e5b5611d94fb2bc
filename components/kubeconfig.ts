// SPDX-License-Identifier: Apache-2.0
// A kubeconfig without any secret: who may enter is decided by gke-gcloud-auth-plugin on the machine that uses it.

export interface Endpoint {
  name: string;
  /** Host name or address, without scheme. */
  endpoint: string;
  /** Base64 certificate; left out for the DNS endpoint, which has a public one. */
  ca?: string;
}

/**
 * Kubeconfig of a GKE cluster, from nothing but its name, endpoint and certificate, so that it only changes when they do (pulumi.md 3.2 rule 1).
 * @returns JSON, which every reader of kubeconfigs takes, with keys in a fixed order
 */
export function kubeconfigFor({ name, endpoint, ca }: Endpoint): string {
  const server = /^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`;
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1beta1",
    command: "gke-gcloud-auth-plugin",
    installHint: "https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl#install_plugin",
    provideClusterInfo: true,
    interactiveMode: "Never",
  };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [{ name, cluster: { server, ...(ca === undefined ? {} : { "certificate-authority-data": ca }) } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    users: [{ name, user: { exec } }],
  });
}
