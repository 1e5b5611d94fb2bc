// SPDX-License-Identifier: Apache-2.0
// Configuration of one real node as text: what its kubelet, its containerd and its CNI read. Pure. The values that differ from a production
// node, and why, were found by trial (kubelet 1.34, containerd 1.6, runc 1.1, cgroup v1).
import { join } from "node:path";
import { stringify } from "yaml";
import { PAUSE_IMAGE } from "../../image";

export interface NodeLayout {
  /** Short folder of this node: socket files end at 108 bytes. */
  dir: string;
  /** Name of the node, as registered. */
  name: string;
  /** Name of its cgroup, below each controller. */
  cgroup: string;
  ip: string;
  /** Range of its Pods on the default network. */
  podCidr: string;
  caFile: string;
  /** Socket file of the CNI plug-in's other half. */
  cniSocket: string;
  leaseSeconds: number;
}

const DISABLED = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.internal.v1.opt",
  "io.containerd.tracing.processor.v1.otlp",
];

/** Name of our plug-in in the CNI configuration, and of its file. */
export const CNI_PLUGIN = "sandbox-net";
export const containerdSocket = (dir: string): string => join(dir, "c.sock");

export function containerdToml({ dir }: NodeLayout): string {
  const cri = `plugins."io.containerd.grpc.v1.cri"`;
  return `version = 2
root = "${dir}/c"
state = "${dir}/cr"
disabled_plugins = ${JSON.stringify(DISABLED)}
[grpc]
  address = "${containerdSocket(dir)}"
[${cri}]
  sandbox_image = "${PAUSE_IMAGE}"
  # Without CAP_SYS_RESOURCE on the host runc could not lower the score.
  restrict_oom_score_adj = true
  disable_apparmor = true
  [${cri}.containerd]
    snapshotter = "overlayfs"
    [${cri}.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [${cri}.containerd.runtimes.runc.options]
        SystemdCgroup = false
  [${cri}.cni]
    bin_dir = "${dir}/bin"
    conf_dir = "${dir}/cni"
`;
}

export function cniConfig({ dir, name, podCidr, cniSocket }: NodeLayout): string {
  const ipam = {
    type: "host-local",
    dataDir: join(dir, "ipam"),
    ranges: [[{ subnet: podCidr }]],
    routes: [{ dst: "0.0.0.0/0" }],
  };
  return JSON.stringify({
    cniVersion: "0.4.0",
    name: "sandbox",
    plugins: [
      { type: "ptp", ipMasq: false, ipam },
      { type: CNI_PLUGIN, node: name, socket: cniSocket },
    ],
  });
}

export function kubeletYaml(o: NodeLayout): string {
  return stringify({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: o.ip,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: o.caFile } },
    authorization: { mode: "Webhook" },
    containerRuntimeEndpoint: `unix://${containerdSocket(o.dir)}`,
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${o.cgroup}`,
    failSwapOn: false,
    failCgroupV1: false,
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    resolvConf: "",
    clusterDNS: ["10.96.0.10"],
    clusterDomain: "cluster.local",
    readOnlyPort: 0,
    podLogsDir: join(o.dir, "pods"),
    volumePluginDir: join(o.dir, "volplugins"),
    nodeLeaseDurationSeconds: o.leaseSeconds,
    nodeStatusUpdateFrequency: "1s",
    shutdownGracePeriod: "0s",
    evictionHard: {
      "memory.available": "10Mi",
      "nodefs.available": "1%",
      "imagefs.available": "1%",
      "nodefs.inodesFree": "1%",
    },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    // Seconds, not minutes, until a container that crashes is started again.
    crashLoopBackOff: { maxContainerRestartPeriod: "2s" },
    featureGates: { KubeletCrashLoopBackOffMax: true },
  });
}

/** Machine-wide settings that a kubelet writes when they differ; in the jail it finds files that already hold what it wants. */
const KUBELET_SYSCTLS: Record<string, string> = {
  "vm/overcommit_memory": "1",
  "vm/panic_on_oom": "0",
  "kernel/panic": "10",
  "kernel/panic_on_oops": "1",
  "kernel/keys/root_maxkeys": "1000000",
  "kernel/keys/root_maxbytes": "25000000",
};

/** Program of the jail's first process. It needs a mount, PID, UTS and network namespace of its own around it. */
export function initScript(o: NodeLayout, programs: { kubelet: string; images: string[] }): string {
  const sysctls = Object.entries(KUBELET_SYSCTLS).flatMap(([key, value]) => {
    const file = `${o.dir}/sysctl/${key.replaceAll("/", ".")}`;
    return [`echo ${value} >${file}`, `mount --bind ${file} /proc/sys/${key}`];
  });
  const imports = programs.images.map((image) => `ctr -a ${containerdSocket(o.dir)} -n k8s.io images import ${image} >/dev/null`);
  const kubelet = [
    programs.kubelet,
    `--config=${o.dir}/kubelet.yaml`,
    `--kubeconfig=${o.dir}/kubeconfig`,
    `--root-dir=${o.dir}/k`,
    `--cert-dir=${o.dir}/pki`,
    `--hostname-override=${o.name}`,
    `--node-ip=${o.ip}`,
  ].join(" ");
  return `set -e
cd ${o.dir}
hostname ${o.name.slice(0, 63)}
mount --make-rprivate /
mkdir -p cg sysctl
mount --rbind /sys/fs/cgroup cg
mount -t sysfs sysfs /sys
mount --rbind cg /sys/fs/cgroup
for m in /run /var/lib /var/log; do mount -t tmpfs tmpfs $m; done
mkdir -p /run/netns /run/lock
${sysctls.join("\n")}
mount --make-rshared /
rm -f ${containerdSocket(o.dir)}
containerd -c containerd.toml >>containerd.log 2>&1 </dev/null &
until ctr -a ${containerdSocket(o.dir)} version >/dev/null 2>&1; do sleep 0.02; done
if [ ! -e imported ]; then
${imports.join("\n")}
touch imported
fi
while :; do
while [ -e kubelet.off ]; do sleep 0.1; done
${kubelet} >>kubelet.log 2>&1 </dev/null &
echo $! >kubelet.pid
wait $! || :
sleep 0.2
done
`;
}
