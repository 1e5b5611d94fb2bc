// SPDX-License-Identifier: Apache-2.0
// Command lines of the four control plane programs. What differs from a production cluster is only what makes a local one start
// and fail faster; the flags and the reasons for them were measured (kube 1.34, etcd 3.6).
import { join } from "node:path";
import type { Tools } from "../tools";

export type ComponentName = "etcd" | "kube-apiserver" | "kube-controller-manager" | "kube-scheduler";

export interface Layout {
  /** Folder with `pki/`, `etcd/`, kubeconfigs. */
  dir: string;
  ports: { etcd: number; peer: number; api: number };
  /** Node failures are noticed after 4 s and Pods evicted 2 s later, instead of 50 s and 5 minutes. */
  fast: boolean;
  extraApiServerFlags: string[];
}

export const SERVICE_CIDR = "10.96.0.0/16";
/** First address of the Service range: what `kubernetes.default` would have. */
export const KUBERNETES_SERVICE_IP = "10.96.0.1";

export interface CommandLine {
  command: string;
  args: string[];
}

/** Command line of one component. */
export function commandLine(name: ComponentName, layout: Layout, tools: Tools): CommandLine {
  switch (name) {
    case "etcd":
      return { command: tools.etcd, args: etcdFlags(layout) };
    case "kube-apiserver":
      return { command: tools.kubeApiserver, args: apiserverFlags(layout) };
    case "kube-controller-manager":
      return { command: tools.kubeControllerManager, args: controllerManagerFlags(layout) };
    case "kube-scheduler":
      return { command: tools.kubeScheduler, args: schedulerFlags(layout) };
  }
}

function etcdFlags({ dir, ports }: Layout): string[] {
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.peer}`;
  return [
    `--data-dir=${join(dir, "etcd")}`,
    "--unsafe-no-fsync", // throw-away data; a killed process loses nothing, only a killed machine would
    "--log-level=error",
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
  ];
}

function apiserverFlags({ dir, ports, fast, extraApiServerFlags }: Layout): string[] {
  const pki = (file: string): string => join(dir, "pki", file);
  return [
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    `--secure-port=${ports.api}`,
    "--endpoint-reconciler-type=none",
    `--cert-dir=${join(dir, "pki")}`,
    `--tls-cert-file=${pki("apiserver.crt")}`,
    `--tls-private-key-file=${pki("apiserver.key")}`,
    `--client-ca-file=${pki("ca.crt")}`,
    `--token-auth-file=${pki("tokens.csv")}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${pki("sa.pub")}`,
    `--service-account-signing-key-file=${pki("sa.key")}`,
    "--kubelet-preferred-address-types=InternalIP",
    `--kubelet-client-certificate=${pki("kubelet-client.crt")}`,
    `--kubelet-client-key=${pki("kubelet-client.key")}`,
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--allow-privileged=true",
    `--service-cluster-ip-range=${SERVICE_CIDR}`,
    ...(fast ? ["--default-not-ready-toleration-seconds=2", "--default-unreachable-toleration-seconds=2"] : []),
    ...extraApiServerFlags,
  ];
}

function controllerManagerFlags({ dir, fast }: Layout): string[] {
  const pki = (file: string): string => join(dir, "pki", file);
  return [
    ...clientFlags(dir, "controller-manager"),
    "--use-service-account-credentials=true",
    `--service-account-private-key-file=${pki("sa.key")}`,
    `--root-ca-file=${pki("ca.crt")}`,
    `--cluster-signing-cert-file=${pki("ca.crt")}`,
    `--cluster-signing-key-file=${pki("ca.key")}`,
    `--flex-volume-plugin-dir=${join(dir, "flex")}`,
    ...(fast ? ["--node-monitor-period=1s", "--node-monitor-grace-period=4s", "--node-eviction-rate=1"] : []),
  ];
}

function schedulerFlags({ dir }: Layout): string[] {
  return clientFlags(dir, "scheduler");
}

function clientFlags(dir: string, who: string): string[] {
  const kubeconfig = join(dir, `${who}.kubeconfig`);
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    "--secure-port=0", // nobody scrapes them here, and a port less cannot be taken
    "--leader-elect=false",
    "--kube-api-qps=500", // the default of 20/s makes the controller manager's own start take 5 s
    "--kube-api-burst=1000",
  ];
}
