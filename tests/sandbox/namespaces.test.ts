// SPDX-License-Identifier: Apache-2.0
// `npm run sandbox -- --packets` without root: nodes and Pods are network namespaces in a user namespace. As root the same is asked for by
// name; what runs in there is no more than the root of that user namespace either way.
import { expect } from "chai";
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { missingForNamespaces } from "../../sandbox/nodes/namespaces";
import type { PacketReport } from "../../sandbox/packets/report";
import { WAYS, type Reach } from "../../sandbox/packets/probe";
import { findTools } from "../../sandbox/tools";
import { eventually, run, runOk } from "../support/clients";

const ROOT = path.resolve(__dirname, "../..");
const MAIN = [require.resolve("ts-node/dist/bin"), "-T", "sandbox/main.ts"];
const AGENT = /agent --proc-sys-net /;

interface Process {
  pid: string;
  command: string;
  user: string;
  net: string;
}
/** Processes of this machine that we may look at, with their namespaces. */
function processes(): Process[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return [{ pid, command, user: readlinkSync(`/proc/${pid}/ns/user`), net: readlinkSync(`/proc/${pid}/ns/net`) }];
      } catch {
        return [];
      }
    });
}

interface Started {
  child: ChildProcess;
  ended: Promise<number | null>;
  text(): string;
}
function start(args: string[], env: Record<string, string>): Started {
  const child = spawn(process.execPath, [...MAIN, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (out += data.toString()));
  return { child, text: () => out, ended: new Promise((done) => child.once("exit", done)) };
}

const allWays = (reach: Reach | undefined): void => {
  expect(reach?.ways).to.deep.equal(Object.fromEntries(WAYS.map((way) => [way, "ok"])));
};

describe("npm run sandbox -- --packets in a user namespace", function () {
  this.timeout(400_000);
  let tmp: string;
  let state: string;

  before(async function () {
    const tools = await findTools();
    const missing = [...("missing" in tools ? tools.missing : []), ...(await missingForNamespaces())];
    if (missing.length > 0) {
      console.log(`      skipped: ${missing.join("; ")}`);
      return this.skip();
    }
    tmp = mkdtempSync(path.join(tmpdir(), "ns-"));
    state = path.join(tmp, "state");
    mkdirSync(state);
  });
  after(() => tmp && rmSync(tmp, { recursive: true, force: true }));

  it("reaches the Pod by TCP, UDP and ICMP and hears it speak first, loses nothing in a rollout and a drain and no more than the bound otherwise, and leaves nothing (SEED-24, invariant 4)", async () => {
    const [env, file] = [path.join(tmp, "env.sh"), path.join(tmp, "report.json")];
    const sandbox = start(["--packets", "--nodes", "namespaces", "--env", env, "--report", file], { TMPDIR: state });
    try {
      await eventually(
        () => {
          if (sandbox.child.exitCode === null && !/nsenter -t \d+/.test(sandbox.text())) throw new Error(sandbox.text());
        },
        300_000,
        500,
      );
      const pid = /nsenter -t (\d+)/.exec(sandbox.text())?.[1];
      expect(pid, sandbox.text()).to.be.a("string");
      const space = readlinkSync(`/proc/${pid}/ns/user`);
      expect(space).to.not.equal(readlinkSync("/proc/self/ns/user"));
      const inside = processes().filter((one) => one.user === space);
      // The agent that ships runs once on each node, and each node is a network of its own.
      const agents = inside.filter((one) => AGENT.test(one.command));
      expect(agents.map((one) => one.command)).to.have.length(3);
      expect(new Set([...agents.map((one) => one.net), readlinkSync(`/proc/${pid}/ns/net`)]).size).to.equal(4);
      // Attached as the sandbox says, with clients of nobody's making: the node that died has its agent again.
      const way = ["-t", pid ?? "", "-U", "--preserve-credentials", "-n", "-m", "bash", "-c"];
      const count = "kubectl get daemonset -n persistent-ip-system -o jsonpath={.items[0].status.numberReady}";
      await eventually(async () => {
        expect(await runOk("nsenter", [...way, `source '${env}' && ${count}`], { cwd: ROOT })).to.equal("3");
      }, 30_000);
      sandbox.child.kill("SIGINT");
      expect(await sandbox.ended, sandbox.text()).to.equal(0);
      expect(processes().filter((one) => one.user === space)).to.deep.equal([]);
      expect(readdirSync(state).filter((name) => !name.startsWith("v8-compile-cache"))).to.deep.equal([]);
      expect(existsSync(env)).to.equal(false);
    } finally {
      sandbox.child.kill("SIGTERM");
      await sandbox.ended;
    }
    judge(JSON.parse(readFileSync(file, "utf8")) as { ok: boolean; packets: PacketReport });
  });

  it("without root and without user namespaces: says what is missing and goes on with simulated nodes", async () => {
    // In a user namespace that may have no further ones, on a loopback of its own.
    const script = 'ip link set lo up; echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"';
    const main = [process.execPath, ...MAIN, "--packets", "exec", "--", "sh", "-c", "exit 7"];
    const ran = await run("unshare", ["-Urn", "sh", "-ec", script, "sandbox", ...main], {
      cwd: ROOT,
      env: { TMPDIR: state, INIT_CWD: tmp },
      timeoutMs: 120_000,
    });
    const text = ran.stdout + ran.stderr;
    expect(text)
      .to.contain("no kubelets here. Missing: real nodes need root")
      .and.to.contain("no real packets here, nodes are simulated. Missing: user namespaces (")
      .and.to.contain("/proc/sys/user/max_user_namespaces is 0");
    expect(ran.code, text).to.equal(7);
  });
});

function judge({ ok, packets }: { ok: boolean; packets: PacketReport }): void {
  expect(ok).to.equal(true);
  expect(packets).to.include({ nodes: "namespaces", datapath: "linux", address: "34.123.10.1" });
  allWays(packets.reach);
  allWays(packets.afterDelete);
  expect(packets.afterDelete?.pod).to.not.equal(packets.reach?.pod);
  const kinds = packets.moves.map((move) => `${move.kind}: ${move.what}`);
  expect(kinds).to.deep.equal([
    "planned: rollout of the Deployment",
    "planned: drain of the node",
    "unplanned: Pod killed",
    "unplanned: node dead",
  ]);
  for (const move of packets.moves) {
    expect(move.sent, move.what).to.be.greaterThan(1000);
    expect(move.to, move.what).to.not.equal(move.from);
    expect(move.switches.length, move.what).to.be.greaterThan(0);
    if (move.kind === "planned") expect(move.lost, move.what).to.equal(0);
    else {
      // A loss of nothing would mean that nothing was broken.
      expect(move.lost, move.what).to.be.greaterThan(0);
      expect(move.longestGapMs, move.what).to.be.at.most(move.bound?.total ?? 0);
    }
    console.log(`      ${move.what}: lost ${move.lost} of ${move.sent}, longest gap ${move.longestGapMs} ms`);
  }
}
