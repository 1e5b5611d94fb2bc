// SPDX-License-Identifier: Apache-2.0
// The kept SDKs are what the schema gives, and are good: Node.js compiles, Go compiles, Python imports. A language that is not installed is skipped.
import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { differences, generate } from "../../scripts/sdk";
import { ROOT } from "../../sandbox/demo";
import { run } from "../support/clients";
import { pythonWithPulumi } from "./python";

const SDK = path.join(ROOT, "sdk");
const GO_ENV = { CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off" };

describe("generated SDKs", function () {
  this.timeout(280_000);
  let tmp: string;
  const hasGo = async (): Promise<boolean> => (await run("go", ["version"]).catch(() => ({ code: 1 }))).code === 0;
  before(() => {
    tmp = mkdtempSync(path.join(tmpdir(), "sdks-"));
  });
  after(() => rmSync(tmp, { recursive: true, force: true }));

  it("are what the schema gives now (else: npx ts-node -T scripts/sdk.ts)", async function () {
    if (!(await hasGo())) return skip(this, "Go is not installed");
    generate(tmp);
    expect(differences(tmp, SDK)).to.deep.equal([]);
  });

  it("Node.js: compiles without an error, and refuses an argument that the schema does not have", async () => {
    const program = path.join(tmp, "use.ts");
    const use = (extra: string): string =>
      `import * as ips from ${JSON.stringify(path.join(SDK, "nodejs"))};
new ips.PersistentPodIps("edge", { region: "europe-west3", cluster: { existing: { name: "prod", location: "europe-west3" } },
  addresses: { web: {} }, onDestroy: ips.OnDestroy.Retain${extra} });\n`;
    const tsc = async (text: string): Promise<string> => {
      writeFileSync(program, text);
      const options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "commonjs", "--types", "node"];
      const roots = ["--typeRoots", path.join(ROOT, "node_modules", "@types")];
      const ran = await run(process.execPath, [require.resolve("typescript/bin/tsc"), ...options, ...roots, program], {
        cwd: ROOT,
      });
      return ran.stdout;
    };
    expect(await tsc(use(""))).to.equal("");
    expect(await tsc(use(", reigon: 1"))).to.contain("'reigon' does not exist in type 'PersistentPodIpsArgs'");
  });

  it("Go: compiles, and so does a program that uses it", async function () {
    if (!(await hasGo())) return skip(this, "Go is not installed");
    const built = await run("go", ["build", "-trimpath", "./..."], {
      cwd: path.join(SDK, "go"),
      env: GO_ENV,
      timeoutMs: 270_000,
    });
    expect(built.code, built.stderr).to.equal(0);
  });

  it("Python: imports, knows its version and its types", async function () {
    const python = await pythonWithPulumi();
    if ("why" in python) return skip(this, python.why);
    const code = `import pulumi_gke_persistent_ip as p
a = p.ClusterArgs(existing=p.ExistingClusterArgs(name="prod", location="europe-west3"))
print(p.PersistentPodIps.__name__, p.ControllerKind.GKE_MANAGED.value, a.existing.name, p._utilities.get_version())`;
    const ran = await run(python.executable, ["-c", code], { cwd: tmp });
    expect(ran.code, ran.stderr).to.equal(0);
    expect(ran.stdout.trim()).to.match(/^PersistentPodIps GkeManaged prod \d+\.\d+\.\d+$/);
  });
});

function skip(context: Mocha.Context, why: string): void {
  console.log(`      skipped: ${why}`);
  context.skip();
}
