// SPDX-License-Identifier: Apache-2.0
// "npx gke-persistent-ip sandbox exec -- …" from the tarball: a user's own repository against a local world, with no account and no checkout of ours.
import { expect } from "chai";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { findTools } from "../../sandbox/tools";
import { run, type Ran } from "../support/clients";
import { consumer, unpack } from "./pack";

const PROGRAM = `const { Network } = require("@pulumi/gcp/compute");
const { AddressSet } = require("pulumi-gke-persistent-ip");
const vpc = new Network("shop", { name: "shop", autoCreateSubnetworks: false });
const set = new AddressSet("shop", { region: "us-central1", addresses: { web: {}, api: {} }, onDestroy: "Delete" }, { dependsOn: [vpc] });
exports.web = set.addresses.web;
`;
const SETUP = "pulumi stack init dev --non-interactive >/dev/null && pulumi config set gcp:project $SANDBOX_PROJECT";

describe("gke-persistent-ip sandbox exec, from the tarball", function () {
  this.timeout(280_000);
  let project: string;
  let tmp: string;
  const exec = (command: string, env: Record<string, string> = {}): Promise<Ran> =>
    run(
      process.execPath,
      ["node_modules/pulumi-gke-persistent-ip/bin/gke-persistent-ip.js", "sandbox", "exec", "--", "sh", "-c", command],
      {
        cwd: project,
        env: { TMPDIR: tmp, INIT_CWD: undefined, ...env },
        timeoutMs: 200_000,
      },
    );

  before(async function () {
    const found = await findTools();
    if ("missing" in found) {
      console.log(`      skipped: ${found.missing.join(", ")} not found`);
      return this.skip();
    }
    project = await consumer();
    tmp = mkdtempSync(path.join(tmpdir(), "exec-"));
    writeFileSync(path.join(project, "index.js"), PROGRAM);
    writeFileSync(path.join(project, "Pulumi.yaml"), "name: shop\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n");
  });
  after(() => {
    for (const folder of [project, tmp]) if (folder) rmSync(folder, { recursive: true, force: true });
    unpack();
  });

  it("previews, updates and previews no change in the caller's folder, and leaves nothing behind", async () => {
    const ran = await exec(
      `${SETUP} && pulumi preview --non-interactive && pulumi up --yes --skip-preview --non-interactive && pulumi preview --expect-no-changes --non-interactive && pulumi stack output web`,
    );
    expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
    expect(ran.stdout)
      .to.contain("gcp:compute:Address")
      .and.to.match(/^\d+\.\d+\.\d+\.\d+$/m);
    expect(readdirSync(tmp).filter((f) => !f.startsWith("v8-compile-cache"))).to.deep.equal([]);
  });

  it("passes the command's exit code on, so that a wrong program fails the job", async () => {
    writeFileSync(path.join(project, "index.js"), PROGRAM.replace("us-central1", "moon"));
    const ran = await exec(
      `${SETUP.replace("init dev", "init dev --no-select && pulumi stack select dev")} && pulumi preview --non-interactive`,
    );
    expect(ran.code).to.not.equal(0);
    expect(ran.stdout).to.contain('AddressSet "shop" has 1 problem in its arguments');
  });

  it("a program in YAML runs with Pulumi's own language host, and this package as its plugin", async () => {
    writeFileSync(
      path.join(project, "Pulumi.yaml"),
      `name: mail
runtime: yaml
resources:
  mail:
    type: gke-persistent-ip:AddressSet
    properties: { region: us-central1, addresses: { smtp: {} }, onDestroy: Delete }
outputs: { smtp: "\${mail.addresses.smtp}" }
`,
    );
    const ran = await exec(
      `${SETUP.replace("init dev", "init yaml")} && pulumi up --yes --skip-preview --non-interactive && pulumi stack output smtp`,
    );
    expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
    expect(ran.stdout).to.match(/^\d+\.\d+\.\d+\.\d+$/m);
  });
});
