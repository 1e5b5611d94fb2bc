// SPDX-License-Identifier: Apache-2.0
// Several providers and stacks on the same two ports; imports of gcp resources; refusals of the gcp provider; functions.
import { expect } from "chai";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { kubeProgram } from "./programs";
import { lines } from "./stack";
import { REGION, useEngine } from "./world";

describe("providers on shared ports", function () {
  this.timeout(180_000);
  const world = useEngine();

  it("two k8s.Provider of one program keep their own cluster: each connection has its own configuration", async () => {
    const other = await standIn();
    const kubeconfig = JSON.stringify({
      "current-context": "x",
      contexts: [{ name: "x", context: { cluster: "x", user: "x" } }],
      clusters: [{ name: "x", cluster: { server: other.url } }],
      users: [{ name: "x", user: { token: "t" } }],
    });
    const program = kubeProgram(`
const second = new k8s.Provider("second", { kubeconfig: E.OTHER!, namespace: "elsewhere" });
for (const [name, provider] of [["a", o.provider], ["b", second]] as const)
  for (const n of [1, 2, 3]) new k8s.core.v1.ConfigMap(name + n, { metadata: { name: name + n }, data: { n: String(n) } }, { provider });`);
    const stack = await world().stack({ name: "two", program });
    const edit = { KUBE: world().api.plane.adminKubeconfig, OTHER: kubeconfig };
    const seen = world().parts.calls.length;
    const up = await stack.up(edit);
    expect(up.code, up.text).to.equal(0);
    expect(other.applied.sort()).to.deep.equal(["elsewhere/b1", "elsewhere/b2", "elsewhere/b3"]);
    const real = await world().admin.request<{ items: { metadata: { name: string } }[] }>(
      "GET",
      "/api/v1/namespaces/default/configmaps",
    );
    expect(
      real.items
        .map((c) => c.metadata.name)
        .filter((n) => /^[ab]\d/.test(n))
        .sort(),
    ).to.deep.equal(["a1", "a2", "a3"]);
    const creates = world()
      .parts.calls.slice(seen)
      .filter((c) => c.rpc === "Create");
    const peers = new Map(
      creates.map((c) => [c.peer, new Set(creates.filter((d) => d.peer === c.peer).map((d) => d.urn?.at(-2)))]),
    );
    expect([...peers.values()].map((names) => [...names].join()).sort()).to.deep.equal(["a", "b"]);
    expect((await stack.run(["destroy", "--yes", "--skip-preview"], edit)).code).to.equal(0);
    other.server.close();
  });

  it("two stacks run at the same time without touching each other", async () => {
    const program = (ns: string): string =>
      kubeProgram(`const ns = new k8s.core.v1.Namespace("ns", { metadata: { name: "${ns}" } }, o);
new k8s.core.v1.ConfigMap("c", { metadata: { name: "c", namespace: ns.metadata.name }, data: { who: "${ns}" } }, o);
import { Address } from "@pulumi/gcp/compute"; export const ip = new Address("a", { name: "${ns}", region: "${REGION}" }).address;`);
    const names = ["left", "right"];
    const stacks = await Promise.all(names.map((name) => world().stack({ name, program: program(name) })));
    const edit = { KUBE: world().api.plane.adminKubeconfig };
    const ups = await Promise.all(stacks.map((s) => s.up(edit)));
    expect(
      ups.map((u) => u.code),
      ups.map((u) => u.text).join("\n"),
    ).to.deep.equal([0, 0]);
    const ips = await Promise.all(stacks.map((s) => s.outputs()));
    expect(new Set(ips.map((o) => o.ip)).size).to.equal(2);
    for (const name of names) {
      const live = await world().admin.request<{ data: object }>("GET", `/api/v1/namespaces/${name}/configmaps/c`);
      expect(live.data).to.deep.equal({ who: name });
    }
    const downs = await Promise.all(stacks.map((s) => s.run(["destroy", "--yes", "--skip-preview"], edit)));
    expect(
      downs.map((u) => u.code),
      downs.map((d) => d.text).join("\n"),
    ).to.deep.equal([0, 0]);
    expect(world().cloudNames()).to.deep.equal([]);
  });

  it("an address that exists is imported by id in every form, and a program for it then plans nothing", async () => {
    const { emulator } = world();
    const url = `${emulator.url}compute/v1/projects/${emulator.project}/regions/${REGION}/addresses`;
    const headers = { "content-type": "application/json" };
    for (const name of ["old-one", "old-two"])
      await fetch(url, { method: "POST", headers, body: JSON.stringify({ name, description: "kept" }) });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const address = (name: string, id?: string): string =>
      `new Address("${name}", { name: "${name}", region: "${REGION}", description: "kept" }${id === undefined ? "" : `, { import: "${id}" }`});`;
    const text = (ids: string[]): string =>
      `import { Address } from "@pulumi/gcp/compute";\n${address("old-one", ids[0])}\n${address("old-two", ids[1])}`;
    const stack = await world().stack({
      name: "adopt",
      program: text([`projects/${emulator.project}/regions/${REGION}/addresses/old-one`, `${REGION}/old-two`]),
    });
    const up = await stack.up();
    expect(up.code, up.text).to.equal(0);
    expect(lines(up)).to.deep.equal(["import gcp:compute/address:Address old-one", "import gcp:compute/address:Address old-two"]);
    stack.rewrite(text([]));
    const next = await stack.preview({}, "--expect-no-changes");
    expect(next.code, next.text).to.equal(0);
    expect((await stack.destroy()).code).to.equal(0);
  });

  it("adopts by functions, and says what is missing by its name", async () => {
    const program = (
      name: string,
    ): string => `import { getNetwork, getZones } from "@pulumi/gcp/compute"; import { getClientConfig } from "@pulumi/gcp/organizations";
export const link = getNetwork({ name: "${name}" }).then((n) => n.selfLink); export const zones = getZones({ region: "${REGION}" }).then((z) => z.names.length);
export const project = getClientConfig().then((c) => c.project);`;
    const stack = await world().stack({ name: "functions", program: program("default") });
    expect((await stack.up()).code).to.equal(0);
    const { project } = world().emulator;
    const link = `https://www.googleapis.com/compute/v1/projects/${project}/global/networks/default`;
    expect(await stack.outputs()).to.deep.equal({ link, zones: 4, project });
    stack.rewrite(program("nowhere"));
    const missing = await stack.preview();
    expect(missing.code).to.not.equal(0);
    expect(missing.text).to.contain('Error reading Network "nowhere": googleapi: Error 404');
  });

  it("wrong inputs stop the preview with field, value and what is allowed; nothing is created", async () => {
    const stack = await world().stack({ name: "wrong", program: "" });
    const wrong: [string, string][] = [
      [
        `{ region: "${REGION}", addressType: "INTERNAL", networkTier: "PREMIUM" }`,
        'expected networkTier to be unset for an INTERNAL address, got "PREMIUM"',
      ],
      ["{}", "cannot determine region"],
      [`{ region: "${REGION}", addressType: "PUBLIC" }`, 'expected addressType to be one of INTERNAL, EXTERNAL, got "PUBLIC"'],
    ];
    for (const [args, answer] of wrong) {
      stack.rewrite(`import { Address } from "@pulumi/gcp/compute"; new Address("a", ${args});`);
      const run = await stack.preview();
      expect(run.code).to.not.equal(0);
      expect(run.errors.join("\n")).to.contain(answer);
    }
    expect(world().cloudNames()).to.deep.equal([]);
  });

  it("an error of the cloud reads like Terraform's", async () => {
    const twice = `import { Address } from "@pulumi/gcp/compute"; const a = new Address("a", { name: "same", region: "${REGION}" });
new Address("b", { name: "same", region: "${REGION}" }, { dependsOn: a });`;
    const stack = await world().stack({ name: "twice", program: twice });
    const run = await stack.up();
    expect(run.code).to.not.equal(0);
    expect(run.errors.join("\n")).to.match(/Error creating Address: googleapi: Error 409: .*already exists.*, alreadyExists/);
    expect((await stack.destroy()).code).to.equal(0);
  });

  it("a folder with a component answers its schema: the CLI starts it by the language host", async () => {
    const stack = await world().stack({ name: "folder", program: "" });
    const folder = path.join(stack.folder, "component");
    mkdirSync(folder);
    const component = `import * as pulumi from "@pulumi/pulumi";
export interface ThingArgs { size: pulumi.Input<number>; }
export class Thing extends pulumi.ComponentResource {
  public readonly doubled: pulumi.Output<number>;
  constructor(name: string, args: ThingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("engine-things:index:Thing", name, args, opts);
    this.doubled = pulumi.output(args.size).apply((n) => 2 * n);
    this.registerOutputs({ doubled: this.doubled });
  }
}`;
    const manifest = { name: "engine-things", version: "1.0.0", main: "index.ts", dependencies: { "@pulumi/pulumi": "*" } };
    const options = {
      compilerOptions: { strict: true, module: "commonjs", target: "es2022", moduleResolution: "node", skipLibCheck: true },
    };
    writeFileSync(path.join(folder, "index.ts"), component);
    writeFileSync(path.join(folder, "package.json"), JSON.stringify(manifest));
    writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ ...options, files: ["index.ts"] }));
    writeFileSync(path.join(folder, "PulumiPlugin.yaml"), "runtime: nodejs\n");
    symlinkSync(path.join(stack.folder, "node_modules"), path.join(folder, "node_modules"));
    const run = await stack.run(["package", "get-schema", folder]);
    expect(run.code, run.text).to.equal(0);
    const schema = JSON.parse(run.text.slice(run.text.indexOf("{"))) as {
      resources: Record<string, { requiredInputs: string[] }>;
    };
    expect(schema.resources["engine-things:index:Thing"]?.requiredInputs).to.deep.equal(["size"]);
  });

  it("the program gets the environment of whoever runs the CLI, and its output is in the CLI's", async () => {
    const stack = await world().stack({
      name: "env",
      program:
        'export const v = process.env.MINE; export const k = process.env.KUBECONFIG ?? "none"; console.log("said by the program");',
    });
    const run = await stack.up({ MINE: "yes", KUBECONFIG: "/somewhere" });
    expect(run.code).to.equal(0);
    expect(run.text).to.contain("said by the program");
    expect(run.text).to.not.match(/warning/i);
    expect(await stack.outputs()).to.deep.equal({ v: "yes", k: "none" });
  });
});

/** Enough of an API server to take ConfigMaps by server-side apply. */
async function standIn(): Promise<{ url: string; server: Server; applied: string[] }> {
  const applied: string[] = [];
  const objects = new Map<string, unknown>();
  const kinds = { resources: [{ name: "configmaps", kind: "ConfigMap", namespaced: true }] };
  const answer = (method: string | undefined, url: string, body: string): unknown => {
    if (url === "/api/v1") return kinds;
    const [, namespace = "", name = ""] = /namespaces\/([^/]+)\/configmaps\/([^/]+)/.exec(url) ?? [];
    if (method === "PATCH") {
      const sent = JSON.parse(body) as { metadata: object };
      applied.push(`${namespace}/${name}`);
      objects.set(url, { ...sent, metadata: { ...sent.metadata, namespace, uid: name } });
    }
    const found = objects.get(url);
    if (method === "DELETE") objects.delete(url);
    return found;
  };
  const server = createServer((q, r) => {
    let body = "";
    q.on("data", (d: Buffer) => (body += d.toString()));
    q.on("end", () => {
      const found = answer(q.method, (q.url ?? "").split("?")[0] ?? "", body);
      r.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" });
      r.end(JSON.stringify(found ?? { reason: "NotFound", message: "not there" }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, applied };
}
