// SPDX-License-Identifier: Apache-2.0
// The command line as its users run it: kubectl finds the plugin on PATH, a real API server answers, the controller moves the address.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import type { Explanation } from "../../controller/cli/explain";
import { ROOT } from "../../sandbox/demo";
import { run, type Ran } from "../support/clients";
import { nodeOfPod, untilRoute, useSandbox, vmOf, type Sandbox } from "../support/sandbox";
import { gateway, proxyPod, route } from "../support/workloads";

const NS = "cli";
const ADDRESS = "34.123.77.1";

describe("kubectl persistent-ip", function () {
  this.timeout(90_000);
  const sandbox = useSandbox();
  let dir = "";
  before(() => (dir = mkdtempSync(path.join(tmpdir(), "pip-cli-"))));
  after(() => rmSync(dir, { recursive: true, force: true }));

  const kubectl = (s: Sandbox, ...args: string[]): Promise<Ran> => {
    const env = { ...s.env, PATH: `${path.join(ROOT, "bin")}${path.delimiter}${s.env.PATH ?? process.env.PATH}` };
    return run(s.world.tools.kubectl, ["persistent-ip", ...args], { env });
  };
  const cloud = (s: Sandbox): string[] => [
    ...["--project", s.world.project, "--compute-endpoint", s.world.emulator.url, "--compute-auth", "none"],
  ];
  const answered = async (s: Sandbox, ...args: string[]): Promise<string> => {
    const ran = await kubectl(s, ...args);
    expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
    return ran.stdout;
  };
  const pods = async (s: Sandbox): Promise<Record<string, string>> => {
    const e = JSON.parse(await answered(s, "explain", "web", "-n", NS, "-o", "json")) as Explanation;
    return Object.fromEntries(e.pods.map((p) => [p.pod, p.verdict]));
  };

  it("explain gives every Pod the verdict by which the controller chose, and each address its next step", async () => {
    const s = sandbox();
    await s.gcloud(["compute", "addresses", "create", "cli", "--region", "us-central1", "--addresses", ADDRESS]);
    const items = [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: NS } },
      gateway(NS, "gw", [ADDRESS]),
      route(NS, "web", { addresses: [ADDRESS], selector: { component: "proxy" } }),
      proxyPod(NS, "older"),
    ];
    await s.kubectl(["apply", "-f", "-"], { apiVersion: "v1", kind: "List", items });
    await untilRoute(s, NS, "web", { status: "True", pod: "older" });
    await new Promise((r) => setTimeout(r, 1_100));
    const unready = { "sandbox.gke-persistent-ip.dev/ready": "false" };
    const plain = { "networking.gke.io/interfaces": "" };
    await s.kubectl(["apply", "-f", "-"], {
      ...{ apiVersion: "v1", kind: "List" },
      items: [
        proxyPod(NS, "newer"),
        proxyPod(NS, "unready", { annotations: unready }),
        proxyPod(NS, "plain", { annotations: plain }),
      ],
    });
    await untilRoute(s, NS, "web", { status: "True", pod: "newer" });
    expect(await pods(s)).to.deep.equal({
      newer: "Selected",
      older: "OlderThanSelected",
      unready: "NotReady",
      plain: "NotOnNetwork",
    });
    const text = await answered(s, "explain", `${NS}/web`, ...cloud(s));
    expect(text).to.match(new RegExp(`${ADDRESS} +Held +\\d+ +newer +\\S+ +ours, to pip-ti-\\w+ +nothing to do`));
    expect(text).to.match(/Ready +True +ProgrammingComplete/);
  });

  it("sysdump and replay: offline, the file explains exactly what the cluster explained, and holds no Secret", async () => {
    const s = sandbox();
    const file = path.join(dir, "dump.json");
    expect(await answered(s, "sysdump", "-o", file, ...cloud(s))).to.match(/wrote .*dump\.json: \d+ objects, with Google Cloud/);
    const text = readFileSync(file, "utf8");
    expect(text).not.to.match(/"containers"|"env"|hello-app|last-applied/);
    const replayed = await run(process.execPath, [path.join(ROOT, "bin/kubectl-persistent_ip"), "replay", file, `${NS}/web`], {
      env: { KUBECONFIG: "/nowhere", PATH: process.env.PATH },
    });
    const live = await answered(s, "explain", `${NS}/web`, ...cloud(s));
    // Ages are those of the moment; everything else is the same, letter for letter.
    const ageless = (t: string): string => t.replace(/ +\d+[smh]\S* +/g, " ");
    expect(ageless(replayed.stdout)).to.equal(ageless(live));
  });

  it("status shows each address with Pod, node, readiness and last move", async () => {
    const s = sandbox();
    const out = await answered(s, "status", "-n", NS);
    const node = await nodeOfPod(s, NS, "newer");
    expect(out.split("\n")[0]).to.match(/^ADDRESS +ROUTE +POD +NODE +READY +REASON +LAST-MOVE$/);
    expect(out).to.match(new RegExp(`${ADDRESS} +cli/web +newer +${node} +True +ProgrammingComplete +NewerPod, \\S+ ago, took`));
    expect(await answered(s, "status")).to.contain("34.123.20.1");
  });

  it("move takes the address to the Pod that is named, past a newer one, and reports each phase", async () => {
    const s = sandbox();
    const refused = await kubectl(s, "move", ADDRESS, "--to", "plain");
    expect([refused.code, refused.stderr]).to.satisfy(
      ([code, said]: [number, string]) =>
        code === 2 && said.includes("plain cannot be chosen (NotOnNetwork)") && said.includes("newer, older"),
    );
    const said = await answered(s, "move", ADDRESS, "--to", "older");
    expect(said).to.match(/34\.123\.77\.1 moved from newer to older on \S+ in \d+ ms \(prepare \d+ ms, switch \d+ ms/);
    expect(await vmOf(s, ADDRESS)).to.equal(await nodeOfPod(s, NS, "older"));
    expect(await pods(s)).to.include({ older: "Selected", newer: "LessPreferred" });
    await answered(s, "move", ADDRESS, "--clear");
    await untilRoute(s, NS, "web", { status: "True", pod: "newer" });
  });

  it("analyze finds what is wrong in a file (code 1) and nothing in the cluster (code 0)", async () => {
    const s = sandbox();
    const file = path.join(dir, "bad.json");
    writeFileSync(file, JSON.stringify(route(NS, "bad", { addresses: ["1.2.3.4"], selector: {} })));
    const bad = await kubectl(s, "analyze", "-f", file, "-o", "json");
    expect(bad.code).to.equal(1);
    expect((JSON.parse(bad.stdout) as { findings: { code: string }[] }).findings.map((f) => f.code)).to.include("EmptySelector");
    expect(await answered(s, "analyze", "--all")).to.contain("0 error(s)");
  });

  it("check looks at every assumption: all well here, but for packets and what has not happened yet", async () => {
    const s = sandbox();
    const ran = await kubectl(s, "check", ...cloud(s), "-o", "json");
    const checked = JSON.parse(ran.stdout) as { item: string; status: string; message: string }[];
    expect(checked.filter((c) => c.status === "fail").map((c) => `${c.item}: ${c.message}`)).to.deep.equal([]);
    expect(ran.code).to.equal(0);
    const status = Object.fromEntries(checked.map((c) => [c.item, c.status]));
    for (const item of [
      "api-server",
      "crds",
      "classes",
      "nodes",
      "controller",
      "permissions",
      "datapath",
      "addresses",
      "forwarding-rules",
    ])
      expect(status[item], item).to.equal("ok");
    expect(status.packets).to.equal("warn");
  });

  it("gc reports a rule that no claim stands behind, and removes it only with --delete (E67)", async () => {
    const s = sandbox();
    const names = (): string[] => s.world.emulator.list("forwardingRules").map((r) => r.name);
    expect(await answered(s, "gc", ...cloud(s))).to.contain("Nothing of this cluster is left over.");
    const before = names();
    // The route goes without its finalizer being honoured, and its claim with it: what a cluster leaves that is deleted too early.
    await s.kubectl(["scale", "-n", "persistent-ip-system", "deployment/persistent-ip-controller", "--replicas=0"]);
    await s.kubectl([
      "wait",
      "--for=delete",
      "-n",
      "persistent-ip-system",
      "pod",
      "-l",
      "app.kubernetes.io/name=persistent-ip-controller",
      "--timeout=30s",
    ]);
    await s.kubectl(["delete", "addressbinding", ADDRESS.replaceAll(".", "-")]);
    const dry = await answered(s, "gc", ...cloud(s));
    expect(dry).to.contain(`no AddressBinding claims ${ADDRESS}`).and.contain("Nothing was removed");
    expect(names()).to.deep.equal(before);
    await answered(s, "gc", "--delete", ...cloud(s));
    expect(names().length).to.equal(before.length - 1);
    expect(
      s.world.emulator.list("addresses").some((a) => a.address === ADDRESS),
      "the reserved address stays",
    ).to.equal(true);
  });
});
