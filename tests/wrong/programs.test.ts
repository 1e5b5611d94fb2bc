// SPDX-License-Identifier: Apache-2.0
// The likeliest mistakes in a program, run by the real engine straight into `pulumi up`: one message with the field, the value and the remedy, no
// stack trace, and nothing is made.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "chai";
import { ROOT } from "../../sandbox/demo";
import type { Kind } from "../../sandbox/emulator";
import { ensureTools, ToolsMissingError } from "../../sandbox/tools";
import { startWorld, type World } from "../../sandbox/world/world";
import { LATE, MORE, program, several, WRONG, type Wrong } from "./cases";
import { Project, type Ran } from "./project";
import { keepTexts, textIs } from "./texts";

const FAMILIES: Kind[] = [
  "addresses",
  "networks",
  "subnetworks",
  "firewalls",
  "forwardingRules",
  "targetInstances",
  "instances",
  "backendServices",
  "healthChecks",
];

describe("wrong programs, run by the real engine", function () {
  this.timeout(120_000);
  let world: World;
  let project: Project;
  const times: number[] = [];
  const cloud = (): string[] => FAMILIES.flatMap((f) => world.emulator.list(f).map((r) => `${f}/${r.name}`));

  before(async function () {
    try {
      const tools = await ensureTools();
      await promisify(execFile)(
        process.execPath,
        [require.resolve("ts-node/dist/bin"), "-T", "scripts/build.ts", "--if-needed"],
        {
          cwd: ROOT,
        },
      );
      world = await startWorld({ tools, operationLatencyMs: 20 });
    } catch (error) {
      if (!(error instanceof ToolsMissingError)) throw error;
      console.log(`      skipped: ${error.message.split("\n")[0]}`);
      this.skip();
    }
    const url = `${world.emulator.url}compute/v1/projects/${world.project}/regions/${world.region}/addresses`;
    const subnetwork = `projects/${world.project}/regions/${world.region}/subnetworks/default`;
    const body = JSON.stringify({ name: "taken-inside", addressType: "INTERNAL", subnetwork, address: "10.128.0.99" });
    const made = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    expect(made.status, await made.text()).to.equal(200);
    project = await Project.create(world);
  });
  after(async () => {
    keepTexts();
    project?.remove();
    await world?.stop();
    if (times.length > 0)
      console.log(
        `      ${times.length} wrong programs, ${Math.min(...times)} to ${Math.max(...times)} ms each from start to message`,
      );
  });

  it("differ from a right one by their mistake only: the right one's preview plans everything and makes nothing", async () => {
    const before = cloud();
    project.program(program(""));
    const ran = await project.preview();
    expect(ran.code, ran.text).to.equal(0);
    expect(Number(/\+ (\d+) to create/.exec(ran.text)?.[1])).to.be.greaterThan(40);
    expect(cloud()).to.deep.equal(before);
  });

  /** One message, from which a tired user can go on; nothing of ours around it. */
  function told(ran: Ran, [title, , field, value, remedy]: Wrong): void {
    times.push(ran.ms);
    expect(ran.code, ran.text).to.not.equal(0);
    expect(ran.errors, ran.text).to.have.length(1);
    const [headline, ...lines] = ran.errors[0]!.split("\n").map((l) => l.trim());
    expect(headline).to.equal('PersistentPodIps "edge" has 1 problem in its arguments:');
    expect(lines, ran.text).to.have.length(1);
    expect(lines[0]).to.satisfy((l: string) => l.startsWith(`${field}: `), `${lines[0]} does not begin with ${field}`);
    expect(lines[0]).to.match(value).and.match(remedy);
    expect(ran.text).to.not.match(/^\s+at .+:\d+:\d+\)?$/m);
    expect(ran.text).to.not.match(/node_modules|dist\/components|unhandled/i);
    textIs(title, lines[0]!);
  }

  it(`are ${MORE.length} more, each refused by its constructor in one preview, with path and remedy`, async () => {
    const before = cloud();
    project.program(several(MORE.map(([, change]) => change)));
    const ran = await project.preview();
    expect(ran.code, ran.text).to.not.equal(0);
    const said = project.said();
    expect(said).to.have.length(MORE.length);
    MORE.forEach(([title], i) => {
      const [headline, ...lines] = said[i]!.split("\n").map((l) => l.trim());
      expect(headline, title).to.match(/^PersistentPodIps "edge" has \d problems? in its arguments:$/);
      for (const line of lines) expect(line, title).to.match(/^[a-z][\w.[\]"-]*: .{10,} \[[A-Za-z]+\]$/);
      textIs(title, lines.join("\n"));
    });
    expect(cloud()).to.deep.equal(before);
    expect(await project.state()).to.deep.equal([]);
  });

  for (const wrong of WRONG)
    it(`are refused for ${wrong[0]}, with nothing made`, async () => {
      const before = cloud();
      project.program(program(wrong[1]));
      told(await project.up(), wrong);
      expect(cloud()).to.deep.equal(before);
      expect(await project.state()).to.deep.equal(["pulumi:pulumi:Stack"]);
    });

  it("are shown all of their mistakes at once", async () => {
    project.program(
      program(
        `args.cluster.create.location = "europe-west1"; args.addresses.inside.address = "10.2.0.50"; args.routes.proxy.podSelector = {};`,
      ),
    );
    const ran = await project.up();
    expect(ran.code).to.not.equal(0);
    expect(ran.errors, ran.text).to.have.length(1);
    const [headline, ...lines] = ran.errors[0]!.split("\n").map((l) => l.trim());
    expect(headline).to.equal('PersistentPodIps "edge" has 3 problems in its arguments:');
    expect(lines.map((l) => l.split(": ")[0])).to.have.members([
      "cluster.create.location",
      "addresses.inside.address",
      "routes.proxy.podSelector",
    ]);
    expect(await project.state()).to.deep.equal(["pulumi:pulumi:Stack"]);
  });

  for (const wrong of LATE)
    it(`are refused for ${wrong[0]}, before anything is made beside it`, async () => {
      const before = cloud();
      project.program(program(wrong[1]));
      told(await project.up(), wrong);
      expect(cloud()).to.deep.equal(before);
      const made = (await project.state()).filter((t) => !/^(pulumi:|gke-persistent-ip:)/.test(t));
      expect(made).to.deep.equal([]);
    });

  it("end, instead of hanging, where a wrong value is only known late and the whole program waits for it", async () => {
    project.program(program(`args.addresses.web = { literal: pulumi.output(Promise.resolve("10.0.0.1")) };`));
    const ran = await project.preview();
    expect(ran.code, ran.text).to.not.equal(0);
    expect(ran.errors, ran.text).to.have.length(1);
    expect(ran.errors[0]).to.match(/addresses\.web\.literal: 10\.0\.0\.1 is a private address, but the scope is External/);
  });

  it("end as well where the cluster to adopt is not there", async () => {
    project.program(program(`args.cluster = { existing: { name: "prdo", location: "us-central1" } };`));
    const ran = await project.preview();
    expect(ran.code, ran.text).to.not.equal(0);
    expect(ran.errors, ran.text).to.have.length(1);
    expect(ran.errors[0]).to.match(/"prdo" is not a cluster in "us-central1"; "gcloud container clusters list"/);
  });

  describe("an edit that would replace or give up an address", () => {
    const set = (region: string, address: string, more = ""): string =>
      `const { AddressSet } = require("pulumi-gke-persistent-ip");\nnew AddressSet("kept", { region: "${region}", addresses: { ${address} }, ${more} });\n`;
    const EDITS: [what: string, text: string, path: string][] = [
      ["another value", set("us-central1", `web: { address: "34.123.30.9" }`), "addresses.web.address"],
      ["another region", set("us-east1", `web: { address: "34.123.30.1" }`), "addresses.web.region"],
      ["another network tier", set("us-central1", `web: { address: "34.123.30.1", tier: "STANDARD" }`), "addresses.web.tier"],
      ["another name", set("us-central1", `web: { address: "34.123.30.1", name: "other" }`), "addresses.web.name"],
      ["no such address any more", set("us-central1", ""), "addresses.web"],
    ];

    before(async () => {
      project.remove();
      project = await Project.create(world, "kept");
      project.program(set("us-central1", `web: { address: "34.123.30.1" }`));
      const ran = await project.up();
      expect(ran.code, ran.text).to.equal(0);
    });

    for (const [what, text, path] of EDITS)
      it(`is refused in the preview, by name and with the way to do it on purpose: ${what}`, async () => {
        const before = cloud();
        project.program(text);
        const ran = await project.preview();
        expect(ran.code, ran.text).to.not.equal(0);
        expect(ran.errors, ran.text).to.have.length(1);
        const [headline, ...lines] = ran.errors[0]!.split("\n").map((l) => l.trim());
        expect(headline).to.match(/AddressSet "kept" has edits that are refused:$/);
        expect(lines).to.have.length(1);
        expect(lines[0]).to.satisfy((l: string) => l.startsWith(`${path}: `), lines[0]);
        expect(lines[0]).to.contain(`unlocked: ["addresses.web"]`);
        textIs(`an edit: ${what}`, lines[0]!);
        expect(cloud()).to.deep.equal(before);
      });

    it("is refused by an update that skips the preview as well", async () => {
      const before = cloud();
      project.program(set("us-central1", `web: { address: "34.123.30.9" }`));
      const ran = await project.up();
      expect(ran.code, ran.text).to.not.equal(0);
      expect(ran.errors[0]).to.contain("addresses.web.address: ");
      expect(cloud()).to.deep.equal(before);
    });

    it("by taking the whole set out of the program is refused by the engine's own protection", async () => {
      project.program(`require("pulumi-gke-persistent-ip");`);
      const ran = await project.preview();
      expect(ran.code, ran.text).to.not.equal(0);
      expect(ran.errors[0]).to.match(/::kept-web" cannot be deleted\s+because it is protected/);
    });

    it("goes through on purpose, in the two steps that the refusal names, and the reservation stays at Google", async () => {
      project.program(set("us-central1", `web: { address: "34.123.30.1" }`, `unlocked: ["addresses.web"]`));
      expect((await project.up()).code).to.equal(0);
      project.program(set("us-central1", ""));
      const gone = await project.up();
      expect(gone.code, gone.text).to.equal(0);
      expect(await project.state()).to.not.include("gcp:compute/address:Address");
      expect(cloud()).to.include("addresses/kept-web");
    });
  });
});
