// SPDX-License-Identifier: Apache-2.0
// Runs a container of a rendered Pod template with runc as a kubelet would: its user, capabilities, mounts, read-only root, environment and
// command, its seccomp profile and its resources are those of the template; its network is the lab node's where it asks for hostNetwork. The file
// system is this machine's /usr.
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import type { daemonSetSpec } from "../../components/nodeAgentPod";
import { cgroupOf } from "./runtime";
import { atEnd, netns, quietly, track, type Running } from "./shell";

export type PodSpec = ReturnType<typeof daemonSetSpec>["template"]["spec"];
export interface ContainerOptions {
  node: string;
  /** Folder for the bundle of files that runc wants; the caller removes it. */
  folder: string;
  /** What the volumes are here, by their names; hostPaths are what they say. */
  volumes: { [name: string]: string };
  /** Words behind the rendered command, and a folder that they may write to. */
  more: string[];
  scratch: string;
  /** The runtime's own seccomp profile, for a template that asks for it; without it there is none. */
  runtimeDefault?: object;
  /** Whether resources become a cgroup's limits. */
  limited?: boolean;
}

type Mount = { destination: string; type: string; source: string; options: string[] };
const bind = (source: string, destination: string, ...options: string[]): Mount => ({
  destination,
  type: "bind",
  source,
  options: ["rbind", "nosuid", "nodev", ...options],
});
/** Containers have these of /proc read-only or hidden; the agent must do without. */
const READ_ONLY = ["bus", "fs", "irq", "sys", "sysrq-trigger"].map((p) => `/proc/${p}`);
const HIDDEN = ["acpi", "kcore", "keys", "latency_stats", "timer_list", "sched_debug", "scsi"].map((p) => `/proc/${p}`);

function rootfs(folder: string): string {
  const root = path.join(folder, "root");
  for (const d of ["usr", "etc", "proc", "sys", "dev", "tmp", "node", "bundle", "scratch", "host/proc/sys/net"])
    fs.mkdirSync(path.join(root, d), { recursive: true });
  for (const d of ["bin", "sbin", "lib", "lib64"])
    if (fs.existsSync(`/${d}`) && fs.lstatSync(`/${d}`).isSymbolicLink()) fs.symlinkSync(`usr/${d}`, path.join(root, d));
  fs.writeFileSync(path.join(root, "node/node"), "");
  return root;
}
function mountsOf(spec: PodSpec, o: ContainerOptions): Mount[] {
  const [container] = spec.containers;
  const own = container!.volumeMounts.map((m) => {
    const volume = spec.volumes.find((v) => v.name === m.name)!;
    const source = "hostPath" in volume && volume.hostPath ? volume.hostPath.path : o.volumes[m.name]!;
    return bind(source, m.mountPath, "readOnly" in m && m.readOnly ? "ro" : "rw");
  });
  return [
    { destination: "/proc", type: "proc", source: "proc", options: [] },
    { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"] },
    bind("/usr", "/usr", "ro"),
    bind("/etc", "/etc", "ro"),
    bind(process.execPath, "/node/node", "ro"),
    bind(o.scratch, "/scratch", "rw"),
    ...own,
  ];
}
/** What the runtime adds of its own where the template asks for it. */
function confined({ containers: [c] }: PodSpec, { runtimeDefault, limited }: ContainerOptions, name: string): object {
  const asked = c!.securityContext.seccompProfile?.type === "RuntimeDefault";
  return {
    ...(asked && runtimeDefault ? { seccomp: runtimeDefault } : {}),
    ...(limited ? { cgroupsPath: `/${name}`, resources: cgroupOf(c!.resources) } : {}),
  };
}
export function ociConfig(spec: PodSpec, o: ContainerOptions, name: string): object {
  const [c] = spec.containers;
  const root = rootfs(path.join(o.folder, name));
  const { runAsUser = 0, capabilities, allowPrivilegeEscalation, readOnlyRootFilesystem } = c!.securityContext;
  const caps = capabilities.add.map((one: string) => `CAP_${one}`);
  // For another user than 0 capabilities end at exec, where the program file carries none.
  const effective = runAsUser === 0 ? caps : [];
  const env = c!.env.map((e) => `${e.name}=${"value" in e ? e.value : "lab-node"}`);
  const network = spec.hostNetwork ? { type: "network", path: `/run/netns/${netns(o.node)}` } : { type: "network" };
  return {
    ociVersion: "1.0.2",
    process: {
      user: { uid: runAsUser, gid: 0 },
      args: [...c!.command, ...o.more],
      env: ["PATH=/node:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...env],
      cwd: "/",
      capabilities: { bounding: caps, effective, permitted: effective, inheritable: [], ambient: [] },
      noNewPrivileges: !allowPrivilegeEscalation,
    },
    root: { path: root, readonly: readOnlyRootFilesystem },
    hostname: "lab-node",
    mounts: mountsOf(spec, o),
    linux: {
      namespaces: [{ type: "pid" }, { type: "mount" }, { type: "ipc" }, { type: "uts" }, network],
      maskedPaths: HIDDEN,
      readonlyPaths: READ_ONLY,
      ...confined(spec, o, name),
    },
  };
}

let count = 0;
/** Starts the template's container; it ends with the test. @returns it, and the name by which runc and its cgroup know it */
export function runContainer(spec: PodSpec, o: ContainerOptions): Running & { name: string } {
  const name = `${netns(o.node)}-c${(count += 1)}`;
  const bundle = path.join(o.folder, name);
  fs.mkdirSync(bundle);
  fs.writeFileSync(path.join(bundle, "config.json"), JSON.stringify(ociConfig(spec, o, name)));
  const runc = ["--root", path.join(o.folder, "runc")];
  // A container outlives the runc that started it.
  atEnd(() => quietly("runc", ...runc, "delete", "--force", name));
  return { ...track(spawn("runc", [...runc, "run", "--bundle", bundle, name])), name };
}
