// SPDX-License-Identifier: Apache-2.0
// One node as one tree of processes in namespaces of its own. Killing it is a power cut: kubelet, containerd, containers, their network and
// their mounts are gone at once, and so is what the kernel knew of routes.
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ProcessError, startProcess, type Child } from "../../controlplane";
import { Namespace, runCommand, writeScript } from "../../vpc";
import { makeCgroup, removeCgroup } from "./cgroups";
import { CNI_PLUGIN, cniConfig, containerdToml, initScript, kubeletYaml, type NodeLayout } from "./config";

export interface JailOptions extends NodeLayout {
  kubeconfig: string;
  kubelet: string;
  images: string[];
  /** Folder with ptp, host-local and loopback. */
  cniPlugins: string;
  logs: string;
}

/** A node's files, and the node while it is powered. */
export class Jail {
  private process: Child | undefined;
  private net: Namespace | undefined;

  constructor(private readonly o: JailOptions) {
    const { dir } = o;
    for (const folder of ["cni", "bin", "k", "pods", "sysctl", "cg"]) mkdirSync(join(dir, folder), { recursive: true });
    const write = (file: string, text: string): void => writeFileSync(join(dir, file), text, { mode: 0o600 });
    write("containerd.toml", containerdToml(o));
    write("kubelet.yaml", kubeletYaml(o));
    write("kubeconfig", o.kubeconfig);
    write("cni/10-sandbox.conflist", cniConfig(o));
    write("init.sh", initScript(o, o));
    for (const plugin of ["ptp", "host-local", "loopback"]) {
      rmSync(join(dir, "bin", plugin), { force: true });
      symlinkSync(join(o.cniPlugins, plugin), join(dir, "bin", plugin));
    }
    writeScript(join(__dirname, "cni-plugin.ts"), join(dir, "bin"), { interpreter: process.execPath, name: CNI_PLUGIN });
  }

  /** The node's network namespace. @throws ProcessError while it has no power */
  get namespace(): Namespace {
    if (!this.net) throw new ProcessError(`node ${this.o.name} is off`);
    return this.net;
  }

  get child(): Child | undefined {
    return this.process;
  }

  /** Makes the network namespace; the caller wires it before {@link boot}. */
  async powerOn(): Promise<Namespace> {
    makeCgroup(this.o.cgroup);
    this.net = await Namespace.start(`node-${this.o.name}`, this.o.logs);
    return this.net;
  }

  /** Starts containerd and the kubelet. */
  async boot(): Promise<void> {
    rmSync(join(this.o.dir, "kubelet.off"), { force: true });
    const jail = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--uts", "sh", join(this.o.dir, "init.sh")];
    const { command, args } = this.namespace.inside("unshare", jail);
    this.process = await startProcess({ name: `node ${this.o.name}`, command, args, logFile: join(this.o.dir, "init.log") });
  }

  /** Power cut. Resolves when nothing of the node runs any more. */
  async powerOff(): Promise<void> {
    const { process, net } = this;
    this.process = undefined;
    this.net = undefined;
    process?.signal("SIGKILL");
    await process?.exited;
    await net?.stop();
    if (!(await removeCgroup(this.o.cgroup))) throw new ProcessError(`node ${this.o.name}: its cgroup is still busy`);
  }

  /** Runs a program on the node: in its mounts, processes and network. @throws NetworkError unless it ends with 0 */
  run(command: string, args: readonly string[]): Promise<string> {
    return runCommand("nsenter", ["-t", String(this.firstProcess()), "-m", "-n", "-p", "-u", command, ...args]);
  }

  /** Stops the kubelet alone; what it started goes on. */
  async kubeletOff(): Promise<void> {
    writeFileSync(join(this.o.dir, "kubelet.off"), "");
    await this.run("kill", ["-9", readFileSync(join(this.o.dir, "kubelet.pid"), "utf8").trim()]);
  }

  kubeletOn(): void {
    rmSync(join(this.o.dir, "kubelet.off"), { force: true });
  }

  /** `unshare --fork` waits outside of the PID namespace; its only child is the node's first process. */
  private firstProcess(): number {
    const pid = this.process?.pid ?? 0;
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    if (!child) throw new ProcessError(`node ${this.o.name} is off`);
    return Number(child);
  }
}
