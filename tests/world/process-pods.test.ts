// SPDX-License-Identifier: Apache-2.0
// Pods of the controller's namespace are real local processes with real tokens.
import { expect } from "chai";
import { readFile } from "node:fs/promises";
import { get } from "node:http";
import type { ApiClient } from "../../controller/kubernetes/transport";
import { CONTROLLER_NAMESPACE, processPods, simulatedNodes, type NodeRuntime, type ProcessPods } from "../../sandbox/nodes";
import {
  deployment,
  eventually,
  isTrue,
  nodeSpec,
  podsIn,
  processExists,
  startLab,
  timed,
  toolsOrSkip,
  type Lab,
} from "./support";

// A Pod in a few lines: serves its health, and on /pods what the API server answers to its own token.
const PROGRAM = `
const fs = require("fs"), http = require("http"), https = require("https");
const dir = process.env.SERVICE_ACCOUNT_DIR, greeting = fs.readFileSync(process.argv[3] + "/greeting", "utf8");
let healthy = true;
const ask = (path, res) => https.get({ host: process.env.KUBERNETES_SERVICE_HOST, port: process.env.KUBERNETES_SERVICE_PORT, path,
  ca: fs.readFileSync(dir + "/ca.crt"), headers: { authorization: "Bearer " + fs.readFileSync(dir + "/token", "utf8") } },
  (api) => { let text = ""; api.on("data", (d) => (text += d)); api.on("end", () => res.end(JSON.stringify({ status: api.statusCode, text }))); });
http.createServer((req, res) => {
  if (req.url === "/sick") healthy = false;
  if (req.url === "/env") return res.end(JSON.stringify({ greeting, ...process.env }));
  if (req.url.startsWith("/api")) return ask(req.url, res);
  res.statusCode = healthy ? 200 : 503; res.end();
}).listen(Number(process.argv[2].split(":")[1]), "127.0.0.1");
process.on("SIGTERM", () => { console.log("asked to end"); process.exit(0); });
`;

const RULES = {
  role: { metadata: { name: "reader" }, rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["list"] }] },
  binding: {
    metadata: { name: "reader" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" },
    subjects: [{ kind: "ServiceAccount", name: "runner", namespace: CONTROLLER_NAMESPACE }],
  },
};

const SPEC = {
  serviceAccountName: "runner",
  terminationGracePeriodSeconds: 5,
  volumes: [{ name: "bundle", configMap: { name: "bundle" } }],
  containers: [
    {
      name: "main",
      image: "node:22-slim",
      command: ["node", "/bundle/main.js"],
      args: ["--listen=:8081", "/bundle"],
      ports: [{ name: "health", containerPort: 8081 }],
      env: [
        { name: "WHO", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        { name: "WHERE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
        { name: "ME", value: "$(WHO)@$(WHERE)" },
      ],
      volumeMounts: [{ name: "bundle", mountPath: "/bundle" }],
      readinessProbe: { httpGet: { path: "/ready", port: "health" }, periodSeconds: 1, failureThreshold: 1 },
    },
  ],
};

describe("Pods of the controller's namespace", function () {
  this.timeout(60_000);
  let lab: Lab;
  let nodes: NodeRuntime;
  let pods: ProcessPods;
  let client: ApiClient;

  before(async function () {
    const tools = await toolsOrSkip(this);
    process.env["SANDBOX_SECRET_OF_THE_PARENT"] = "must not leak";
    lab = await startLab(tools);
    const { controlPlane, dir, logs } = lab;
    client = controlPlane.admin;
    pods = processPods({ controlPlane, dir, logs, extraEnv: { COMPUTE: "http://127.0.0.1:1" }, backOff: { baseMs: 200 } });
    nodes = simulatedNodes({ controlPlane, tools, dir, logs, listeners: [pods] });
    await Promise.all([nodes.add(nodeSpec("n1", 11)), nodes.add(nodeSpec("n2", 12))]);
    const ns = `/api/v1/namespaces/${CONTROLLER_NAMESPACE}`;
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${CONTROLLER_NAMESPACE}`;
    await client.request("POST", "/api/v1/namespaces", { body: { metadata: { name: CONTROLLER_NAMESPACE } } });
    await Promise.all([
      client.request("POST", `${ns}/serviceaccounts`, { body: { metadata: { name: "runner" } } }),
      client.request("POST", `${ns}/configmaps`, {
        body: { metadata: { name: "bundle" }, data: { "main.js": PROGRAM, greeting: "hello" } },
      }),
      client.request("POST", `${rbac}/roles`, { body: RULES.role }),
      client.request("POST", `${rbac}/rolebindings`, { body: RULES.binding }),
    ]);
  });

  after(async () => {
    delete process.env["SANDBOX_SECRET_OF_THE_PARENT"];
    await pods?.stop();
    await nodes?.stop();
    await lab?.stop();
  });

  const ready = async (count: number): Promise<string[] | false> => {
    const now = (await podsIn(client, CONTROLLER_NAMESPACE)).filter(
      (pod) => isTrue(pod, "Ready") && !pod.metadata.deletionTimestamp,
    );
    return now.length === count && now.map((pod) => pod.metadata.name);
  };

  it("run as processes and become Ready by their own probe", async () => {
    await client.request("POST", `/apis/apps/v1/namespaces/${CONTROLLER_NAMESPACE}/deployments`, {
      body: deployment("runner", 2, SPEC),
    });
    const names = await timed("Deployment of 2 processes Ready", () => eventually("both Ready", () => ready(2)));
    const pids = names.map((name) => pods.pidOf(name) ?? 0);
    expect(pids.every(processExists), `processes ${pids.join(", ")}`).to.equal(true);
    expect(new Set(pids).size).to.equal(2);
  });

  it("see volumes, downward API, extra variables and nothing of our environment", async () => {
    const pod = pods.list()[0]!;
    const env = (await fetchJson(pod.ports["health"]!, "/env")) as Record<string, string>;
    expect(env["greeting"]).to.equal("hello");
    expect(env["ME"]).to.equal(`${pod.name}@${pod.node}`);
    expect(env["COMPUTE"]).to.equal("http://127.0.0.1:1");
    expect(env["PORT_HEALTH"]).to.equal(String(pod.ports["health"]));
    expect(env["SANDBOX_SECRET_OF_THE_PARENT"]).to.equal(undefined);
  });

  it("talk to the API server with a token that may do what their Role says, and no more", async () => {
    const port = pods.list()[0]!.ports["health"]!;
    const ns = `/api/v1/namespaces/${CONTROLLER_NAMESPACE}`;
    const allowed = (await fetchJson(port, `${ns}/pods`)) as { status: number; text: string };
    const refused = (await fetchJson(port, `${ns}/secrets`)) as { status: number; text: string };
    expect(allowed.status).to.equal(200);
    expect((JSON.parse(allowed.text) as { items: unknown[] }).items).to.have.length(2);
    expect(refused.status).to.equal(403);
    expect(refused.text).to.contain(`system:serviceaccount:${CONTROLLER_NAMESPACE}:runner`);
  });

  it("are restarted when killed, and say so", async () => {
    const victim = pods.list()[0]!;
    pods.kill(victim.name, "SIGKILL");
    const after = await timed("killed process Ready again", () =>
      eventually("a new process", async () => {
        const pod = (await podsIn(client, CONTROLLER_NAMESPACE)).find((p) => p.metadata.name === victim.name);
        return pod?.status.containerStatuses?.[0]?.restartCount === 1 && isTrue(pod, "Ready") && pod;
      }),
    );
    expect(after.metadata.uid).to.equal(victim.uid);
    expect(pods.pidOf(victim.name)).not.to.equal(victim.pid);
    expect(processExists(victim.pid!)).to.equal(false);
  });

  it("lose Ready when their readiness probe fails", async () => {
    const pod = pods.list()[0]!;
    await fetchJson(pod.ports["health"]!, "/sick").catch(() => undefined);
    await eventually("not Ready", async () => {
      const now = (await podsIn(client, CONTROLLER_NAMESPACE)).find((p) => p.metadata.name === pod.name);
      return now && !isTrue(now, "Ready");
    });
  });

  it("get SIGTERM on deletion, end by themselves, and leave no process", async () => {
    const pod = pods.list()[0]!;
    await client.request("DELETE", `/api/v1/namespaces/${CONTROLLER_NAMESPACE}/pods/${pod.name}`);
    await timed("deletion", () =>
      eventually("gone", async () => !(await podsIn(client, CONTROLLER_NAMESPACE)).some((p) => p.metadata.uid === pod.uid)),
    );
    expect(processExists(pod.pid!)).to.equal(false);
    expect(await readFile(pod.logFile!, "utf8")).to.contain("asked to end");
    await eventually("replaced", () => ready(2));
  });

  it("die with their node and run again, one restart later, when it comes back before the eviction", async () => {
    const pod = pods.list()[0]!;
    await nodes.crash(pod.node);
    await eventually("process gone", async () => !processExists(pod.pid!));
    await nodes.restore(pod.node);
    await eventually("process back", async () =>
      pods.list().find((p) => p.uid === pod.uid && p.restartCount === pod.restartCount + 1 && p.ready),
    );
    await eventually("Ready in the API", () => ready(2));
  });

  it("hang with a frozen node and go on as the same process", async () => {
    const pod = pods.list()[0]!;
    await nodes.crash(pod.node, "freeze");
    const stat = await readFile(`/proc/${pod.pid}/stat`, "utf8");
    expect(stat.split(") ")[1]?.[0]).to.equal("T");
    await nodes.restore(pod.node);
    expect(pods.pidOf(pod.name)).to.equal(pod.pid);
    await eventually("Ready in the API", () => ready(2));
  });

  it("wait with a reason while something they mount is missing", async () => {
    const spec = { ...SPEC, volumes: [{ name: "bundle", configMap: { name: "later" } }] };
    const path = `/api/v1/namespaces/${CONTROLLER_NAMESPACE}`;
    await client.request("POST", `${path}/pods`, { body: { metadata: { name: "early" }, spec } });
    const waiting = await eventually("a reason", async () => {
      const pod = (await podsIn(client, CONTROLLER_NAMESPACE)).find((p) => p.metadata.name === "early");
      return pod?.status.containerStatuses?.[0]?.state?.["waiting"] as { reason: string; message: string } | undefined;
    });
    expect(waiting).to.deep.equal({
      reason: "CreateContainerConfigError",
      message: `configmap "later" not found in namespace ${CONTROLLER_NAMESPACE}`,
    });
    await client.request("POST", `${path}/configmaps`, {
      body: { metadata: { name: "later" }, data: { "main.js": PROGRAM, greeting: "late" } },
    });
    await eventually("Ready after all", () => ready(3));
  });
});

function fetchJson(port: number, path: string): Promise<unknown> {
  return new Promise((done, fail) => {
    get({ host: "127.0.0.1", port, path, agent: false }, (res) => {
      let text = "";
      res.on("data", (chunk: Buffer) => (text += chunk.toString()));
      res.on("end", () => done(text === "" ? undefined : JSON.parse(text)));
    }).once("error", fail);
  });
}
