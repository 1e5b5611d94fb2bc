// SPDX-License-Identifier: Apache-2.0
// What nodes made of namespaces need of this machine, and what of it is missing.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { programPath } from "../../image";

const PROGRAMS: Record<string, string> = {
  ip: "iproute2",
  nft: "nftables",
  busybox: "busybox-static",
  unshare: "util-linux",
  nsenter: "util-linux",
};

/** Debian's packages for everything. */
export const NAMESPACE_PACKAGES = "iproute2 nftables busybox-static";
/** How a user becomes the root of namespaces of his own: user, network and mount. */
export const UNSHARE = ["-U", "-r", "-n", "-m"] as const;

const SYSTEM = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The same environment, with the folders of administrators' programs at the end of PATH: users often have none of them. */
export function withSystem(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, PATH: [env["PATH"], ...SYSTEM].filter(Boolean).join(delimiter) };
}

/** Where kernels and distributions forbid it, and the value that does. */
const SWITCHES: Record<string, string> = {
  "/proc/sys/user/max_user_namespaces": "0",
  "/proc/sys/kernel/unprivileged_userns_clone": "0",
  "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
};

/** Root of the machine, not of a user namespace: its map of ids has all of them. */
export function isRealRoot(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    return /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync("/proc/self/uid_map", "utf8"));
  } catch {
    return true; // a kernel without user namespaces
  }
}

/** One line for each thing that is missing; none: namespaces can be nodes and Pods. No root is needed. */
export async function missingForNamespaces(env: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  if (process.platform !== "linux") return [`namespaces need Linux, this is ${process.platform}`];
  const missing: string[] = [];
  if (!existsSync(join(__dirname, "../../vpc/scripts/relay.ts")))
    missing.push("the sandbox's sources: a checkout, not the package");
  for (const [program, pack] of Object.entries(PROGRAMS))
    if ((await programPath(program, env)) === undefined) missing.push(`${program} (Debian package ${pack})`);
  const refused = missing.length === 0 ? refusal(env) : undefined;
  if (refused !== undefined) missing.push(`user namespaces (${refused})`);
  return missing;
}

function refusal(env: NodeJS.ProcessEnv): string | undefined {
  try {
    // Some systems give the namespaces and keep the rights in them.
    const trial = ["sh", "-ec", "ip link set lo up; unshare --net true"];
    execFileSync("unshare", [...UNSHARE, ...trial], {
      stdio: ["ignore", "ignore", "pipe"],
      encoding: "utf8",
      env: withSystem(env),
    });
    return undefined;
  } catch (error) {
    const said = String((error as { stderr?: string }).stderr ?? error).trim();
    return [`unshare ${UNSHARE.join(" ")}: ${said}`, ...Object.entries(SWITCHES).flatMap(([file, bad]) => off(file, bad))].join(
      "; ",
    );
  }
}

function off(file: string, bad: string): string[] {
  try {
    const value = readFileSync(file, "utf8").trim();
    return value === bad ? [`${file} is ${value}`] : [];
  } catch {
    return [];
  }
}
