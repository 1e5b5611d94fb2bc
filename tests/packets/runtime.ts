// SPDX-License-Identifier: Apache-2.0
// What a container runtime adds to a template by itself: the seccomp profile behind `RuntimeDefault`, asked of the containerd that is installed
// here, and the cgroup that its resources become.
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as path from "node:path";
import { quietly, sh } from "./shell";

/** What ctr gives a container by itself; the profile allows more system calls for some of them. */
const USUAL = [
  ...["CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP"],
  ...["NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"],
];
const HIERARCHIES = "/sys/fs/cgroup";

interface Spec {
  process: { capabilities: { bounding: string[] } };
  linux: { seccomp: object };
}
/**
 * containerd's own default profile for a container with these capabilities, as its CRI uses it too. A private containerd is asked and ended.
 * @throws Error with what ctr said
 */
export async function runtimeDefault(folder: string, capabilities: readonly string[]): Promise<object> {
  const home = fs.mkdtempSync(path.join(folder, "containerd-"));
  const socket = path.join(home, "c.sock");
  const file = (name: string, text: string): string => {
    fs.writeFileSync(path.join(home, name), text);
    return path.join(home, name);
  };
  const config = file(
    "config.toml",
    `version = 2
root = "${home}/root"
state = "${home}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${socket}"
[ttrpc]
address = "${home}/t.sock"
`,
  );
  const daemon = spawn("containerd", ["-c", config], { stdio: "ignore" });
  const gone = once(daemon, "close");
  try {
    for (let i = 0; i < 100 && !quietly("ctr", "-a", socket, "version"); i += 1) await new Promise((r) => setTimeout(r, 100));
    const drop = USUAL.map((c) => `--cap-drop=CAP_${c}`);
    const add = capabilities.map((c) => `--cap-add=CAP_${c}`);
    sh("ctr", "-a", socket, "containers", "create", "--rootfs", "--seccomp", ...drop, ...add, home, "asked", "sh");
    const { Spec: spec } = JSON.parse(sh("ctr", "-a", socket, "containers", "info", "asked")) as { Spec: Spec };
    const has = spec.process.capabilities.bounding.join(" ");
    if (has !== capabilities.map((c) => `CAP_${c}`).join(" ")) throw new Error(`ctr made a container with ${has}`);
    return spec.linux.seccomp;
  } finally {
    daemon.kill();
    await gone;
  }
}

/** Why no profile can be asked for here, or nothing. */
export const noRuntime = (): string | undefined =>
  ["containerd", "ctr"].every((p) => quietly("sh", "-c", `command -v ${p}`)) ? undefined : "containerd is not installed";

/** Why limits cannot be set here, or nothing. */
export function noCgroups(): string | undefined {
  const v2 = fs.existsSync(path.join(HIERARCHIES, "cgroup.controllers"));
  const probe = path.join(HIERARCHIES, v2 ? "" : "memory", `pip-probe-${process.pid}`);
  try {
    fs.mkdirSync(probe);
    fs.rmdirSync(probe);
    return undefined;
  } catch (error) {
    return `cgroups cannot be made here (${(error as NodeJS.ErrnoException).code ?? String(error)})`;
  }
}

const OF_KUBERNETES: { [unit: string]: number } = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };
/** @returns bytes */
const bytes = (text: string): number => Number(/^\d+/.exec(text)?.[0]) * (OF_KUBERNETES[text.replace(/^\d+/, "")] ?? 1);
const millicores = (text: string): number => (text.endsWith("m") ? Number(text.slice(0, -1)) : Number(text) * 1000);

export interface Resources {
  requests: { cpu: string; memory: string };
  limits: { memory: string; cpu?: string };
}
/** What a kubelet makes of them: limits are limits, of the requests only CPU is anything to the kernel, as a share. No swap. */
export function cgroupOf({ requests, limits }: Resources): object {
  const limit = bytes(limits.memory);
  const quota = limits.cpu === undefined ? {} : { quota: millicores(limits.cpu) * 100, period: 100_000 };
  return {
    memory: { limit, swap: limit },
    cpu: { shares: Math.max(2, Math.floor((millicores(requests.cpu) * 1024) / 1000)), ...quota },
  };
}

/** A number from the cgroup of a process; the name of the file is that of cgroup v1 or of v2. */
export function cgroupValue(pid: number | string, controller: string, v1: string, v2: string): number {
  const lines = fs.readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
  const own = lines.map((l) => l.split(":")).find(([, names]) => names!.split(",").includes(controller));
  const [folder, name] = own
    ? [path.join(HIERARCHIES, controller, own[2]!), v1]
    : [path.join(HIERARCHIES, lines[0]!.split(":")[2]!), v2];
  return Number(fs.readFileSync(path.join(folder, name), "utf8"));
}
export const MEBI = 2 ** 20;
