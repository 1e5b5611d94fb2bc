// SPDX-License-Identifier: Apache-2.0
// What real nodes and real packets need of this machine, and what of it is missing.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { programPath } from "../../image";
import { isRealRoot } from "../namespaces/requirements";

const PROGRAMS: Record<string, string> = {
  containerd: "containerd",
  ctr: "containerd",
  runc: "runc",
  ip: "iproute2",
  nft: "nftables",
  busybox: "busybox-static",
  unshare: "util-linux",
  nsenter: "util-linux",
  tar: "tar",
};
const CNI_FOLDERS = ["/usr/lib/cni", "/opt/cni/bin"];
const CNI_PLUGINS = ["ptp", "host-local", "loopback"];

/** Folder of the CNI plug-ins that come with a distribution, or undefined. */
export function cniFolder(): string | undefined {
  return CNI_FOLDERS.find((folder) => CNI_PLUGINS.every((plugin) => existsSync(join(folder, plugin))));
}

/** Debian's packages for everything. */
export const PACKAGES = "containerd runc containernetworking-plugins iproute2 nftables busybox-static";

/** One line for each thing that is missing; none: real nodes can be started. */
export async function missingForRealNodes(env: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  if (process.platform !== "linux") return [`real nodes need Linux, this is ${process.platform}`];
  if (!isRealRoot()) return ["real nodes need root: they are made of namespaces, cgroups and mounts"];
  const missing: string[] = [];
  for (const [program, pack] of Object.entries(PROGRAMS))
    if ((await programPath(program, env)) === undefined) missing.push(`${program} (Debian package ${pack})`);
  if (cniFolder() === undefined)
    missing.push(`the CNI plug-ins ${CNI_PLUGINS.join(", ")} (Debian package containernetworking-plugins)`);
  if (missing.length === 0 && !mayUnshare()) missing.push("the right to make namespaces (unshare --net --mount --pid)");
  return missing;
}

function mayUnshare(): boolean {
  try {
    execFileSync("unshare", ["--net", "--mount", "--pid", "--fork", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
