// SPDX-License-Identifier: Apache-2.0
// The whole agent: journals and Pods of a real API server in, the kernel of a lab node, its answer back in the journal. The agent's process is
// outside of the lab, so that it reaches the server; its `ip`, `nft` and `tc` are inside.
import { expect } from "chai";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as path from "node:path";
import { addressBindingCrd, KINDS, type AddressBinding } from "../../controller/api";
import { LINGER_MS } from "../../controller/core";
import { isApiError, resourcePath, type ApiClient } from "../../controller/kubernetes";
import { ProgramsMissingError, startApiServer, type TestApiServer } from "../support/apiserver";
import { fabricTo, PIP, podAdd, podOn, up } from "./lab";
import { ip, netns, sh, until } from "./shell";
import { GOOD, packets, pause, skipped, type Scenario } from "./suite";

const NAME = "34-123-10-1";
const status = resourcePath(KINDS.binding, undefined, NAME, "status");

/** Programs that work in a namespace, for a process that does not. */
function toolsIn(ns: string, folder: string): string {
  const bin = path.join(folder, `bin-${ns}`);
  fs.mkdirSync(bin, { recursive: true });
  for (const tool of ["ip", "nft", "tc"]) {
    const real = sh("sh", "-c", `command -v ${tool}`).trim();
    const text = `#!/bin/sh\nexec nsenter --net=/run/netns/${netns(ns)} ${real} "$@"\n`;
    fs.writeFileSync(path.join(bin, tool), text, { mode: 0o755 });
  }
  return bin;
}

packets("The agent and the API server", __filename, (scenario) => {
  let server: TestApiServer;
  let client: ApiClient;
  let missing: string | undefined;
  const agents: ChildProcess[] = [];
  before(async function () {
    this.timeout(90_000);
    try {
      server = await startApiServer();
    } catch (error) {
      if (!(error instanceof ProgramsMissingError)) throw error;
      missing = error.message.replace(/^skipped: /, "");
      return;
    }
    client = server.client();
    const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    await client.request("POST", crds, { body: addressBindingCrd() }).catch((e: unknown) => {
      if (!isApiError(e, "AlreadyExists")) throw e;
    });
  });
  after(() => server?.stop());
  afterEach(async () => {
    for (const a of agents.splice(0)) {
      a.kill("SIGTERM");
      if (a.exitCode === null && a.signalCode === null) await once(a, "close");
    }
  });

  const agent = (s: Scenario, ns: string, node: string, port: string): (() => string) => {
    const env = { ...process.env, PATH: `${toolsIn(ns, s.programs.folder)}:${process.env.PATH}` };
    const flags = ["--kubeconfig", server.kubeconfigPath, "--node-name", node, "--network", `blue=${port},10.1.0.1`];
    const sysctls = path.join(s.programs.folder, "sysctl");
    for (const dev of ["nic1", "lxc-pa-1", "lxc-pb-1"]) {
      fs.mkdirSync(path.join(sysctls, "ipv4/conf", dev), { recursive: true });
      fs.writeFileSync(path.join(sysctls, "ipv4/conf", dev, "forwarding"), "1\n");
    }
    const child = spawn(process.execPath, [s.programs.file, "agent", ...flags, "--proc-sys-net", sysctls], { env });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (d: string) => (text += d));
    child.stderr.setEncoding("utf8").on("data", (d: string) => (text += d));
    agents.push(child);
    return () => text;
  };
  const put = async (
    kind: "pod" | "node",
    body: { metadata: { name: string; namespace?: string } },
  ): Promise<{ uid: string }> => {
    const { name, namespace } = body.metadata;
    const made = await client.request<{ metadata: { uid: string } }>("POST", resourcePath(KINDS[kind], namespace), { body });
    const said = (body as { status?: object }).status;
    if (said) await client.request("PATCH", resourcePath(KINDS[kind], namespace, name, "status"), { body: { status: said } });
    return made.metadata;
  };
  const podObject = (name: string, node: number, octet: number) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "default",
      annotations: { "networking.gke.io/pod-ips": `[{"networkName":"blue","ip":"10.201.${node}.${octet}"}]` },
    },
    spec: { nodeName: `lab-${node}`, automountServiceAccountToken: false, containers: [{ name: "c", image: "c" }] },
    status: { phase: "Running", podIP: `10.200.${node}.${octet}` },
  });
  const journal = (change: object): Promise<AddressBinding> => client.request("PATCH", status, { body: { status: change } });
  const answers = async (): Promise<string> => {
    const b = await client.request<AddressBinding>("GET", resourcePath(KINDS.binding, undefined, NAME));
    return JSON.stringify((b.status?.nodes ?? []).map((n) => [n.node, n.generation, n.podUID, n.programmed]).sort());
  };
  const answered = async (wanted: unknown[][]): Promise<void> => {
    for (let i = 0; i < 500 && (await answers()) !== JSON.stringify(wanted); i += 1) await pause(20);
    expect(JSON.parse(await answers())).to.deep.equal(wanted);
  };

  it("hands an address over in generations, node by node, without a lost packet though the fabric is 400 ms behind the journal (invariant 4)", async function () {
    this.timeout(60_000);
    if (missing) return skipped(this, missing);
    const s = scenario();
    up();
    podAdd("pa", 1, 10);
    podAdd("pb", 2, 10);
    for (const p of ["pa", "pb"]) podOn(p);
    fabricTo(1);
    await s.serve("pa");
    await s.serve("pb");
    for (const n of [1, 2]) await put("node", { apiVersion: "v1", kind: "Node", metadata: { name: `lab-${n}` } } as never);
    const pa = await put("pod", podObject("pa", 1, 10));
    const pb = await put("pod", podObject("pb", 2, 10));
    const holder = (pod: string, node: number, uid: string) => ({
      pod,
      podUID: uid,
      node: `lab-${node}`,
      zone: "z",
      instance: "i",
    });
    const log = agent(s, "n1", "lab-1", "nic1");
    agent(s, "n2", "lab-2", "nic1");
    await until(`agents watch: ${log()}`, () => log().includes("agent watches"));
    const route = { namespace: "default", name: "r", uid: "u" };
    const body = {
      apiVersion: "gke-persistent-ip.dev/v1alpha1",
      kind: "AddressBinding",
      metadata: { name: NAME },
      spec: { address: PIP, scope: "External", network: "blue", route },
    };
    await client.request("POST", resourcePath(KINDS.binding), { body });
    await journal({ phase: "Preparing", generation: 1, next: holder("pa", 1, pa.uid) });
    await answered([["lab-1", 1, pa.uid, true]]);
    expect(await s.ask()).to.deep.equal(GOOD);
    await journal({ phase: "Held", next: null, holder: holder("pa", 1, pa.uid) });

    const meter = s.meter({ seconds: 7 });
    await pause(600);
    await journal({ phase: "Preparing", generation: 2, next: holder("pb", 2, pb.uid) });
    await answered([
      ["lab-1", 2, pa.uid, true],
      ["lab-2", 2, pb.uid, true],
    ]);
    await journal({ phase: "Switching" });
    const former = [{ ...holder("pa", 1, pa.uid), leftAt: new Date().toISOString() }];
    await journal({ phase: "Held", next: null, holder: holder("pb", 2, pb.uid), former });
    await pause(400);
    fabricTo(2);
    const m = await meter;
    expect(m.lost, JSON.stringify(m)).to.be.at.most(3);
    expect(m.by.pb).to.be.greaterThan(100);
    await pause(LINGER_MS);
    await answered([["lab-2", 2, pb.uid, true]]);
    expect(ip("n1", "route show table 7101"), "the old node let go").to.include(`blackhole ${PIP}`).and.not.include("lxc");

    await client.request("DELETE", resourcePath(KINDS.pod, "default", "pb"), { body: { gracePeriodSeconds: 0 } });
    await answered([["lab-2", 2, pb.uid, false]]);
    await client.request("DELETE", resourcePath(KINDS.binding, undefined, NAME));
    await until("nothing of the address is left", () => !ip("n2", "route show table 7101").includes(PIP));
  });
});
