// SPDX-License-Identifier: Apache-2.0
// Rules of the kubernetes provider on a real API server: existing objects, patches, waits, imports, finalizers.
import { expect } from "chai";
import { kubeProgram } from "./programs";
import { lines, type Stack } from "./stack";
import { useEngine } from "./world";

describe("objects by the kubernetes provider on a real API server", function () {
  this.timeout(180_000);
  const world = useEngine();
  let KUBE: string;
  let stack: Stack;
  const NS = "objects";
  const at = (name: string): string => `/api/v1/namespaces/${NS}/configmaps/${name}`;

  before(async () => {
    KUBE = world().api.plane.adminKubeconfig;
    await world().admin.request("POST", "/api/v1/namespaces", { body: { metadata: { name: NS } } });
    stack = await world().stack({ name: NS, program: "" });
  });
  afterEach(async () => {
    await stack.run(["destroy", "--yes", "--skip-preview"], { KUBE });
  });
  const program = (body: string): void => stack.rewrite(kubeProgram(body));
  const configMap = (body: string, options = "o"): void =>
    program(`new k8s.core.v1.ConfigMap("c", { metadata: { name: "c", namespace: "${NS}" }, ${body} }, ${options});`);
  const make = (name: string, data: object): Promise<unknown> =>
    world().admin.request("POST", `/api/v1/namespaces/${NS}/configmaps`, { body: { metadata: { name }, data } });

  it("a create refuses an object that exists, unless upsertExistingObjects is set (>= 4.29)", async () => {
    await make("c", { a: "theirs" });
    configMap('data: { a: "ours" }');
    const refused = await stack.up({ KUBE });
    expect(refused.code).to.not.equal(0);
    expect(refused.errors.join("\n")).to.contain('ConfigMap "objects/c" already exists');
    expect((await world().admin.request<{ data: object }>("GET", at("c"))).data).to.deep.equal({ a: "theirs" });
    await world().admin.request("DELETE", at("c"));
    await make("c", { b: "theirs" });
    const taken = await stack.up({ KUBE, UPSERT: "1" });
    expect(taken.code, taken.text).to.equal(0);
    expect((await world().admin.request<{ data: object }>("GET", at("c"))).data).to.deep.equal({ a: "ours", b: "theirs" });
  });

  it("a field that another manager holds is a conflict that says how to take it over, and patchForce takes it", async () => {
    await make("c", { a: "theirs" });
    configMap('data: { a: "ours" }');
    const conflict = await stack.up({ KUBE, UPSERT: "1" });
    expect(conflict.errors.join("\n")).to.match(/conflict.*set the annotation pulumi.com\/patchForce/s);
    program(
      `new k8s.core.v1.ConfigMap("c", { metadata: { name: "c", namespace: "${NS}", annotations: { "pulumi.com/patchForce": "true" } }, data: { a: "ours" } }, o);`,
    );
    expect((await stack.up({ KUBE, UPSERT: "1" })).code).to.equal(0);
  });

  it("a Patch changes an object that others made, and gives back only what it added", async () => {
    await make("theirs", { a: "1" });
    program(`new k8s.core.v1.ConfigMapPatch("p", { metadata: { name: "theirs", namespace: "${NS}" }, data: { b: "2" } }, o);`);
    const done = await stack.up({ KUBE });
    expect(done.code, done.text).to.equal(0);
    expect((await world().admin.request<{ data: object }>("GET", at("theirs"))).data).to.deep.equal({ a: "1", b: "2" });
    expect((await stack.preview({ KUBE }, "--expect-no-changes")).code).to.equal(0);
    expect((await stack.run(["destroy", "--yes", "--skip-preview"], { KUBE })).code).to.equal(0);
    expect((await world().admin.request<{ data: object }>("GET", at("theirs"))).data).to.deep.equal({ a: "1" });
    await world().admin.request("DELETE", at("theirs"));
  });

  it("data of a ConfigMap with a fixed name is replaced by delete first, and by create first where Pulumi names it", async () => {
    configMap('data: { a: E.A ?? "1" }');
    expect((await stack.up({ KUBE })).code).to.equal(0);
    const fixed = await stack.up({ KUBE, A: "2" });
    expect(fixed.ops.map((op) => op.op).sort()).to.deep.equal(["create-replacement", "delete-replaced", "replace"]);
    program(`new k8s.core.v1.ConfigMap("auto", { metadata: { namespace: "${NS}" }, data: { a: E.A ?? "1" } }, o);`);
    expect((await stack.up({ KUBE })).code).to.equal(0);
    expect((await stack.preview({ KUBE }, "--expect-no-changes")).code).to.equal(0);
    const named = await stack.up({ KUBE, A: "2" });
    expect(named.code, named.text).to.equal(0);
    expect(lines(named)).to.include("create-replacement kubernetes:core/v1:ConfigMap auto");
  });

  it("waitFor holds the update until the value is there", async () => {
    configMap(
      'data: { a: "1" }, metadata: { name: "c", namespace: "objects", annotations: { "pulumi.com/waitFor": "jsonpath={.data.go}=yes" } }',
    );
    stack.rewrite(
      kubeProgram(
        `new k8s.core.v1.ConfigMap("c", { metadata: { name: "c", namespace: "${NS}", annotations: { "pulumi.com/waitFor": "jsonpath={.data.go}=yes" } }, data: { a: "1" } }, o);`,
      ),
    );
    const running = stack.up({ KUBE });
    for (
      let i = 0;
      i < 100 &&
      (await world()
        .admin.request("GET", at("c"))
        .catch(() => undefined)) === undefined;
      i++
    )
      await new Promise((r) => setTimeout(r, 100));
    const began = Date.now();
    await new Promise((r) => setTimeout(r, 700));
    await world().admin.request("PATCH", at("c"), { body: { data: { go: "yes" } } });
    const done = await running;
    expect(done.code, done.text).to.equal(0);
    expect(Date.now() - began).to.be.at.least(700);
  });

  it("an object that never gets ready fails the update with what was missing, and stays in the state", async () => {
    stack.rewrite(
      kubeProgram(
        `new k8s.core.v1.ConfigMap("c", { metadata: { name: "c", namespace: "${NS}", annotations: { "pulumi.com/waitFor": "condition=Ready", "pulumi.com/timeoutSeconds": "1" } } }, o);`,
      ),
    );
    const failed = await stack.up({ KUBE });
    expect(failed.code).to.not.equal(0);
    expect(failed.text).to.contain(
      'timed out after 1 s waiting for ConfigMap "objects/c" to be ready: condition Ready is not there yet',
    );
    expect(stack.stateText()).to.contain("initErrors");
  });

  it("a delete waits for finalizers and names the one that holds it", async () => {
    stack.rewrite(
      kubeProgram(
        `new k8s.core.v1.ConfigMap("c", { metadata: { name: "c", namespace: "${NS}", finalizers: ["example.com/hold"] } }, { ...o, customTimeouts: { delete: "1s" } });`,
      ),
    );
    expect((await stack.up({ KUBE })).code).to.equal(0);
    const held = await stack.destroy();
    expect(held.errors.join("\n")).to.contain(
      'waiting for ConfigMap "objects/c" to be deleted: held by finalizers example.com/hold',
    );
    await world().admin.request("PATCH", at("c"), { body: { metadata: { finalizers: null } } });
    expect((await stack.destroy()).code).to.equal(0);
  });

  it("an existing object is imported by its id and then needs no change", async () => {
    await make("c", { a: "1" });
    configMap('data: { a: "1" }', `{ ...o, import: "${NS}/c" }`);
    const run = await stack.up({ KUBE });
    expect(run.code, run.text).to.equal(0);
    expect(lines(run)).to.include("import kubernetes:core/v1:ConfigMap c");
    configMap('data: { a: "1" }');
    expect((await stack.preview({ KUBE }, "--expect-no-changes")).code).to.equal(0);
  });

  it("helm releases and yaml.v2 groups stop the preview: they need the real plugin", async () => {
    program(`new k8s.helm.v3.Release("r", { chart: "nginx" }, o);`);
    const release = await stack.preview({ KUBE });
    expect(release.code).to.not.equal(0);
    expect(release.errors.join("\n")).to.contain("kubernetes:helm.sh/v3:Release needs the real kubernetes plugin");
    program(`new k8s.yaml.v2.ConfigGroup("g", { objs: [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" } }] }, o);`);
    const group = await stack.preview({ KUBE });
    expect(group.code).to.not.equal(0);
    expect(group.text).to.contain("plugins that can construct components must support secrets");
  });
});
