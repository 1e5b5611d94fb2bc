// SPDX-License-Identifier: Apache-2.0
// A chained CNI plug-in (CNI 0.4): gives Pods their interfaces on additional networks, as GKE's does. Which ones, the sandbox decides: it is
// asked through a socket file and answers with lines for `ip`. Runs on the node, as a child of containerd.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createConnection } from "node:net";

interface Config {
  cniVersion?: string;
  node: string;
  socket: string;
  prevResult?: object;
}
/** Lines for `ip -batch` on the node or in the Pod, or values of paths below /proc/sys on the node. */
type Step = { node: string[] } | { pod: string[] } | { sysctl: Record<string, string> };
interface Answer {
  steps?: Step[];
  error?: string;
}

const env = process.env;
const command = env["CNI_COMMAND"];
if (command === "VERSION") {
  process.stdout.write(JSON.stringify({ cniVersion: "1.0.0", supportedVersions: ["0.3.1", "0.4.0", "1.0.0"] }));
  process.exit(0);
}
const config = JSON.parse(readFileSync(0, "utf8")) as Config;
const netns = env["CNI_NETNS"] ?? "";
const args = Object.fromEntries((env["CNI_ARGS"] ?? "").split(";").map((pair) => pair.split("="))) as Record<string, string>;

function fail(message: string): never {
  process.stdout.write(JSON.stringify({ cniVersion: config.cniVersion ?? "0.4.0", code: 100, msg: `sandbox-net: ${message}` }));
  process.exit(1);
}

function ip(lines: string[], inside: boolean): void {
  if (lines.length === 0) return;
  const [program, ...rest] = inside ? ["nsenter", `--net=${netns}`, "ip", "-batch", "-"] : ["ip", "-batch", "-"];
  const done = spawnSync(program, rest, { input: `${lines.join("\n")}\n`, encoding: "utf8" });
  if (done.status !== 0) fail(`${done.stderr.trim()} (${lines.join("; ")})`);
}

function sysctl(values: Record<string, string>): void {
  const script = Object.entries(values).map(([path, value]) => `echo ${value} >/proc/sys/${path}`);
  if (script.length > 0) spawnSync("sh", ["-c", script.join("\n")]);
}

function perform(answer: Answer): void {
  if (answer.error) fail(answer.error);
  for (const step of answer.steps ?? []) {
    if ("node" in step) ip(step.node, false);
    else if ("pod" in step) ip(step.pod, true);
    else sysctl(step.sysctl);
  }
  if (command === "ADD") process.stdout.write(JSON.stringify(config.prevResult ?? {}));
}

const question = {
  command,
  node: config.node,
  namespace: args["K8S_POD_NAMESPACE"],
  pod: args["K8S_POD_NAME"],
  container: env["CNI_CONTAINERID"],
  netns,
};
let text = "";
const socket = createConnection(config.socket, () => socket.write(`${JSON.stringify(question)}\n`));
socket.on("data", (data) => (text += data.toString())).on("end", () => perform(JSON.parse(text) as Answer));
socket.on("error", (error) => (command === "ADD" ? fail(error.message) : process.exit(0)));
