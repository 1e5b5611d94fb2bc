// SPDX-License-Identifier: Apache-2.0
// Writes the keys, certificates and kubeconfigs of one local cluster into its folder.
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { KUBERNETES_SERVICE_IP } from "./flags";
import { createAuthority, signingKeyPair, type Identity } from "./x509";

export interface Pki {
  caPem: string;
  adminToken: string;
  issueClient(commonName: string, organizations?: string[]): Identity;
}

const SERVER_HOSTS = [
  "127.0.0.1",
  KUBERNETES_SERVICE_IP,
  "localhost",
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
];

/** Makes a fresh set below `<dir>/pki`. */
export async function writePki(dir: string): Promise<Pki> {
  const ca = createAuthority("sandbox-ca");
  const server = ca.issue({ commonName: "kube-apiserver", hosts: SERVER_HOSTS });
  const kubeletClient = ca.issue({ commonName: "kube-apiserver-kubelet-client", organizations: ["system:masters"] });
  const serviceAccount = signingKeyPair();
  const adminToken = randomBytes(24).toString("base64url");
  const files: Record<string, string> = {
    "ca.crt": ca.certPem,
    "ca.key": ca.keyPem,
    "apiserver.crt": server.certPem,
    "apiserver.key": server.keyPem,
    "kubelet-client.crt": kubeletClient.certPem,
    "kubelet-client.key": kubeletClient.keyPem,
    "sa.key": serviceAccount.privatePem,
    "sa.pub": serviceAccount.publicPem,
    "tokens.csv": `${adminToken},admin,admin,"system:masters"\n`,
  };
  await mkdir(join(dir, "pki"), { recursive: true });
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(dir, "pki", name), text, { mode: 0o600 })));
  return {
    caPem: ca.certPem,
    adminToken,
    issueClient: (commonName, organizations) => ca.issue({ commonName, organizations }),
  };
}

/** YAML of a kubeconfig that needs no other file. */
export function kubeconfigYaml(server: string, caPem: string, user: { token: string } | Identity, cluster = "sandbox"): string {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const credentials =
    "token" in user
      ? { token: user.token }
      : { "client-certificate-data": base64(user.certPem), "client-key-data": base64(user.keyPem) };
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: cluster, cluster: { server, "certificate-authority-data": base64(caPem) } }],
    users: [{ name: "user", user: credentials }],
    contexts: [{ name: cluster, context: { cluster, user: "user" } }],
    "current-context": cluster,
  });
}
