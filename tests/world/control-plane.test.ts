// SPDX-License-Identifier: Apache-2.0
// The control plane comes up whole and goes without leaving a process, even when its owner is killed.
import { expect } from "chai";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { installCrds, startControlPlane } from "../../sandbox/controlplane";
import type { Tools } from "../../sandbox/tools";
import { eventually, measured, processExists, startLab, timed, toolsOrSkip, type Lab } from "./support";

const ROOT = join(__dirname, "../..");

describe("control plane", function () {
  this.timeout(90_000);
  let tools: Tools;
  let lab: Lab;

  before(async function () {
    tools = await toolsOrSkip(this);
    lab = await timed("control plane up", () => startLab(tools));
    measured("  of it: API server ready", lab.controlPlane.timings.apiReady);
  });

  after(() => lab?.stop());

  it("answers the administrator by token and another user by certificate, each with the rights that RBAC gives", async () => {
    const { admin } = lab.controlPlane;
    const review = (client: typeof admin): Promise<{ status: { userInfo: { username: string; groups: string[] } } }> =>
      client.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
        body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
      });
    expect((await review(admin)).status.userInfo).to.include({ username: "admin" });
    const { kubeconfigClient } = await import("../../controller/kubernetes/config");
    const { createApiClient } = await import("../../controller/kubernetes/transport");
    const other = createApiClient(kubeconfigClient(lab.controlPlane.kubeconfigFor("jane", ["team-a"])));
    const jane = (await review(other)).status.userInfo;
    expect(jane.username).to.equal("jane");
    expect(jane.groups).to.include("team-a");
    const refusal = await other.request("GET", "/api/v1/secrets").catch((error: { code: string }) => error.code);
    await other.close();
    expect(refusal).to.equal("Forbidden");
  });

  it("serves Gateway API and GKE's network CRDs, with their validation rules in force", async () => {
    const names = await timed("CRDs installed", () =>
      installCrds(lab.controlPlane.admin, [tools.crds.gatewayApi, ...tools.crds.network]),
    );
    expect(names).to.include.members(["gateways.gateway.networking.k8s.io", "networks.networking.gke.io"]);
    const wrong = {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: "wrong", namespace: "default" },
      spec: { gatewayClassName: "c", listeners: [{ name: "l", port: 80, protocol: "TCP", hostname: "example.com" }] },
    };
    const error = await lab.controlPlane.admin
      .request("POST", "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways", { body: wrong })
      .catch((e: Error) => e.message);
    expect(error).to.match(/hostname must not be specified/);
  });

  it("brings a killed API server back on the same port with its data", async () => {
    const { admin } = lab.controlPlane;
    await admin.request("POST", "/api/v1/namespaces", { body: { metadata: { name: "kept" } } });
    await timed("API server restarted", () => lab.controlPlane.restart("kube-apiserver"));
    const kept = await admin.request<{ metadata: { name: string } }>("GET", "/api/v1/namespaces/kept");
    expect(kept.metadata.name).to.equal("kept");
  });

  it("hangs while paused and goes on afterwards", async () => {
    const { admin } = lab.controlPlane;
    lab.controlPlane.pause("kube-apiserver");
    const outcome = await admin.request("GET", "/version", { timeoutMs: 300 }).catch((error: { code: string }) => error.code);
    lab.controlPlane.resume("kube-apiserver");
    expect(outcome).to.equal("Timeout");
    await eventually("an answer", () => admin.request("GET", "/version"));
  });

  it("runs beside another one", async () => {
    const second = await startLab(tools);
    expect(second.controlPlane.server).not.to.equal(lab.controlPlane.server);
    const all = (
      await second.controlPlane.admin.request<{ items: { metadata: { name: string } }[] }>("GET", "/api/v1/namespaces")
    ).items;
    expect(all.map((ns) => ns.metadata.name)).not.to.include("kept");
    const pids = Object.values(second.controlPlane.pids());
    await timed("stopped", () => second.stop());
    expect(pids.filter(processExists)).to.deep.equal([]);
  });

  it("says which component failed and shows the end of its log", async () => {
    const error = await startControlPlane({ dir: join(lab.dir, "bad"), tools, extraApiServerFlags: ["--no-such-flag"] }).catch(
      (e: Error) => e.message,
    );
    expect(error).to.match(/^kube-apiserver ended with 1; .*\n[\s\S]*unknown flag: --no-such-flag/);
  });

  it("leaves no process when its owner is killed with SIGKILL", async () => {
    const child = spawn(
      process.execPath,
      ["-r", "ts-node/register/transpile-only", join(__dirname, "owner.ts"), join(lab.dir, "orphan")],
      {
        cwd: ROOT,
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const pids = await new Promise<number[]>((done) => {
      child.stdout.once("data", (chunk: Buffer) => done(JSON.parse(chunk.toString()) as number[]));
    });
    expect(pids.filter(processExists)).to.have.length(4);
    child.kill("SIGKILL");
    await timed("gone after the owner's death", () => eventually("all ended", async () => !(await runningOf(pids)).length));
  });
});

/** Those of the processes that still run; an orphan may be a zombie for a moment. */
async function runningOf(pids: number[]): Promise<number[]> {
  const states = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z")));
  return pids.filter((_, i) => !states[i]?.includes(") Z"));
}
