// SPDX-License-Identifier: Apache-2.0
// `npm run sandbox` as its user runs it: the demonstration, the report, attaching, several at once, Ctrl-C, and other people's programs.
import { expect } from "chai";
import { spawn, type ChildProcess } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { findTools } from "../../sandbox/tools";
import { eventually, run, type Ran } from "../support/clients";

const ROOT = path.resolve(__dirname, "../..");
const TS_NODE = require.resolve("ts-node/dist/bin");
const args = (...rest: string[]): string[] => [TS_NODE, "-T", "sandbox/main.ts", ...rest];
const sandbox = (rest: string[], env: Record<string, string> = {}, timeoutMs = 240_000): Promise<Ran> =>
  run(process.execPath, args(...rest), { cwd: ROOT, env, timeoutMs });

/** Processes whose command line or working folder lies below a folder. */
function processesUnder(folder: string): string[] {
  return readdirSync("/proc")
    .filter((p) => /^\d+$/.test(p) && Number(p) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return command.includes(folder) || readlinkSync(`/proc/${pid}/cwd`).startsWith(folder) ? [`${pid} ${command}`] : [];
      } catch {
        return [];
      }
    });
}

interface Report {
  ok: boolean;
  totalMs: number;
  machine: { node: string; cpus: number };
  steps: { name: string; ms: number; ok: boolean }[];
  preview: Record<string, number>;
  update: Record<string, number>;
  addresses: { address: string; pod: string; node: string; conditions: string }[];
  move: { from: string; to: string; cause: string; phases: Record<string, number>; seenMs: number };
  secondPreview: string;
}

describe("npm run sandbox", function () {
  this.timeout(300_000);
  let tmp: string;
  /** TMPDIR of the sandboxes, so that what they leave behind can be seen. */
  let state: string;

  /** What sandboxes left in their TMPDIR; the Pulumi SDK keeps a compile cache there, which is not ours. */
  const left = (): string[] => readdirSync(state).filter((f) => !f.startsWith("v8-compile-cache"));

  before(async function () {
    if ("missing" in (await findTools())) {
      console.log("      skipped: the programs of the sandbox are not built (npx ts-node -T sandbox/tools/main.ts)");
      this.skip();
    }
    tmp = mkdtempSync(path.join(tmpdir(), "cli-"));
    state = path.join(tmp, "state");
    mkdirSync(state);
  });
  after(() => tmp && rmSync(tmp, { recursive: true, force: true }));

  it("--once --report: provisions, picks a Pod, kills it, sees the address move, previews no change, leaves a report and nothing else", async () => {
    const file = path.join(tmp, "report.json");
    const ran = await sandbox(["--once", "--report", file], { TMPDIR: state });
    expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
    const report = JSON.parse(readFileSync(file, "utf8")) as Report;
    expect(report.ok).to.equal(true);
    expect(report.preview["create"]).to.equal(report.update["create"]);
    expect(report.addresses.map((a) => a.address)).to.include.members(["34.123.10.1", "34.123.10.2"]);
    for (const row of report.addresses) expect(row.conditions).to.equal("Accepted=True GCPReady=True DPV2Ready=True Ready=True");
    expect(report.move.phases["total"]).to.be.greaterThan(0);
    expect(report.secondPreview).to.equal("no changes");
    for (const name of [
      "pulumi preview (nothing exists yet)",
      "pulumi up",
      "every route Ready",
      "pulumi preview again: no changes",
    ]) {
      const step = report.steps.find((s) => s.name === name);
      expect(step?.ok, name).to.equal(true);
      expect(ran.stdout).to.match(new RegExp(`✔ ${name.replace(/[()]/g, "\\$&")} +[0-9.]+ s`));
    }
    // A log is no terminal: no escape sequences, no carriage returns.
    expect(ran.stdout).to.not.match(/[\u001b\r]/);
    expect(left()).to.deep.equal([]);
    expect(processesUnder(state)).to.deep.equal([]);
    // By the name of its own stack: other suites may have sandboxes up in this checkout.
    const stack = /sandbox-[0-9a-f]{6}/.exec(ran.stdout)?.[0];
    expect(stack, ran.stdout).to.be.a("string");
    expect(existsSync(path.join(ROOT, `Pulumi.${stack}.yaml`))).to.equal(false);
    console.log(
      `      whole demonstration ${Math.round(report.totalMs / 100) / 10} s on ${report.machine.cpus} cores, Node ${report.machine.node}; the move ${report.move.seenMs} ms`,
    );
  });

  it("two side by side with --env: each is attached by its own file; Ctrl-C ends the one, cleans it up, and leaves the other", async () => {
    const files = ["one.sh", "two.sh"].map((f) => path.join(tmp, f));
    const children = files.map((file): ChildProcess =>
      spawn(process.execPath, args("--env", file), {
        cwd: ROOT,
        env: { ...process.env, TMPDIR: state },
        stdio: ["ignore", "pipe", "pipe"],
      }),
    );
    const ended = children.map((c) => new Promise<number | null>((done) => c.once("exit", done)));
    const out = children.map(() => "");
    children.forEach((c, i) => {
      c.stdout?.on("data", (d: Buffer) => (out[i] += d.toString()));
      c.stderr?.on("data", (d: Buffer) => (out[i] += d.toString()));
    });
    const inShell = (file: string, command: string): Promise<Ran> =>
      run("bash", ["-c", `source '${file}' && ${command}`], { cwd: ROOT });
    try {
      await eventually(
        () => {
          if (!files.every((f) => existsSync(f))) throw new Error(`not up:\n${out.join("\n-----\n")}`);
        },
        200_000,
        500,
      );
      const clusters = new Set<string>();
      for (const file of files) {
        const uid = await inShell(file, "kubectl get namespace kube-system -o jsonpath={.metadata.uid}");
        clusters.add(uid.stdout);
        const ready = await inShell(file, "kubectl wait --for=condition=Ready gkeiproute --all -A --timeout=60s");
        expect(ready.code, ready.stderr).to.equal(0);
        const again = await inShell(file, "pulumi preview --expect-no-changes --non-interactive");
        expect(again.code, again.stdout + again.stderr).to.equal(0);
      }
      expect(clusters.size).to.equal(2);
      const rules = await run(
        "bash",
        [
          "-c",
          `command -v gcloud >/dev/null || exit 42; source '${files[0]}' && gcloud compute forwarding-rules list --format='value(IPAddress)'`,
        ],
        { cwd: ROOT },
      );
      if (rules.code !== 42) expect(rules.stdout.split("\n")).to.include("34.123.10.1");
      children[0]!.kill("SIGINT");
      expect(await ended[0]).to.equal(0);
      expect(existsSync(files[0]!)).to.equal(false);
      expect((await inShell(files[1]!, "kubectl get nodes -o name")).stdout.trim().split("\n")).to.have.length(3);
      children[1]!.kill("SIGINT");
      expect(await ended[1]).to.equal(0);
      expect(left()).to.deep.equal([]);
      expect(processesUnder(state)).to.deep.equal([]);
    } finally {
      children.forEach((c) => c.kill("SIGKILL"));
    }
  });

  it("exec: a user's own Pulumi project runs against the sandbox from its folder, and its exit code is passed on", async () => {
    const project = path.join(tmp, "theirs");
    mkdirSync(project);
    symlinkSync(path.join(ROOT, "node_modules"), path.join(project, "node_modules"));
    writeFileSync(path.join(project, "Pulumi.yaml"), "name: theirs\nruntime: nodejs\n");
    writeFileSync(path.join(project, "package.json"), '{"name":"theirs","main":"index.js"}');
    writeFileSync(
      path.join(project, "index.js"),
      'const { Address } = require("@pulumi/gcp/compute"); const a = new Address("front", { name: "front", region: "us-central1" }); exports.ip = a.address;',
    );
    const good = await sandbox(
      [
        "exec",
        "--",
        "sh",
        "-c",
        "pulumi stack init dev && pulumi up --yes --skip-preview --non-interactive && pulumi stack output ip && pulumi preview --expect-no-changes --non-interactive",
      ],
      { INIT_CWD: project, TMPDIR: state },
    );
    expect(good.code, good.stdout + good.stderr).to.equal(0);
    expect(good.stdout).to.match(/^\d+\.\d+\.\d+\.\d+$/m);
    const bad = await sandbox(["exec", "--", "sh", "-c", "exit 7"], { TMPDIR: state });
    expect(bad.code).to.equal(7);
    expect(left()).to.deep.equal([]);
  });

  it("without Go and without binaries: says what is missing and the two ways out, exit 1, nothing left", async () => {
    const empty = path.join(tmp, "empty");
    mkdirSync(empty);
    const ran = await sandbox(
      ["--once"],
      {
        PATH: path.dirname(process.execPath) === "/usr/bin" ? empty : path.dirname(process.execPath),
        XDG_CACHE_HOME: empty,
        KUBEBUILDER_ASSETS: "",
        HOME: empty,
        GOROOT: "",
        TMPDIR: state,
      },
      60_000,
    );
    expect(ran.code).to.equal(1);
    expect(ran.stdout + ran.stderr)
      .to.contain("kube-apiserver")
      .and.to.contain("install Go")
      .and.to.contain("KUBEBUILDER_ASSETS");
    expect(left()).to.deep.equal([]);
  });

  it("a wrong option is one line that names it", async () => {
    const ran = await sandbox(["--latency", "soon"], {}, 30_000);
    expect(ran.code).to.equal(1);
    expect(ran.stderr).to.contain("--latency").and.to.contain("soon").and.to.contain("milliseconds");
  });
});
