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
import { Project, type Ran } from "./project";

/** Right in everything: a new cluster, an L3 network, two external addresses and an internal one, two routes. */
const RIGHT = `
const pulumi = require("@pulumi/pulumi");
const { PersistentPodIps, AddressSet } = require("pulumi-gke-persistent-ip");
const args = {
  region: "us-central1",
  cluster: { create: { network: "default", subnetwork: "default", podRange: "pods", serviceRange: "services" } },
  networks: { blue: { cidr: "10.1.0.0/20", podCidr: "10.200.0.0/16",
    ingress: { web: { sources: ["198.51.100.0/24"], protocol: "tcp", ports: ["443"] } } } },
  addresses: { web: {}, sip: {}, inside: { network: "blue", address: "10.1.0.50" } },
  routes: {
    proxy: { addresses: ["web", "sip"], podSelector: { matchLabels: { app: "proxy" } } },
    store: { addresses: ["inside"], podSelector: { matchLabels: { app: "store" } } },
  },
};
`;
const program = (change: string): string => `${RIGHT}${change}\nnew PersistentPodIps("edge", args);\n`;

type Wrong = [title: string, change: string, field: string, value: RegExp, remedy: RegExp];
const WRONG: Wrong[] = [
  [
    "a cluster that is made and adopted at once",
    `args.cluster.existing = { name: "prod", location: "us-central1" };`,
    "cluster",
    /create and existing are/,
    /exactly one of create, existing must be set/,
  ],
  [
    "SEED-8: a route to an address that is not there",
    `args.routes.proxy.addresses = ["wbe"];`,
    "routes.proxy.addresses[0]",
    /"wbe"/,
    /is not one of the addresses: "inside", "sip", "web"/,
  ],
  [
    "SEED-21: external and internal addresses in one Gateway",
    `args.gateways = { mixed: { scope: "External", addresses: ["web", "sip", "inside"] } }; delete args.routes.store;`,
    "gateways.mixed.addresses[2]",
    /"inside" is Internal, but the Gateway is External/,
    /a Gateway holds one sort/,
  ],
  [
    "SEED-8, E23: one address for two routes",
    `args.routes.other = { addresses: ["sip"], podSelector: { matchLabels: { app: "other" } } };`,
    "routes.other.addresses",
    /"sip" is claimed by default\/edge-proxy too/,
    /an address belongs to one route at a time/,
  ],
  [
    "ranges that overlap",
    `args.networks.green = { cidr: "10.1.8.0/24", podCidr: "10.201.0.0/16" }; for (const r of Object.values(args.routes)) r.network = "blue";`,
    "networks.green.cidr",
    /10\.1\.8\.0\/24 overlaps 10\.1\.0\.0\/20 of networks\.blue\.cidr/,
    /must not share addresses/,
  ],
  [
    "SEED-36: an internal address outside of its subnet",
    `args.addresses.inside.address = "10.2.0.50";`,
    "addresses.inside.address",
    /10\.2\.0\.50/,
    /is not in the subnet's range 10\.1\.0\.0\/20/,
  ],
  [
    "E13: an empty selector",
    `args.routes.proxy.podSelector = {};`,
    "routes.proxy.podSelector",
    /every Pod of the namespace/,
    /name at least one label/,
  ],
  [
    "SEED-12: an IPv6 address",
    `args.addresses.sip = { literal: "2001:db8::1" };`,
    "addresses.sip.literal",
    /2001:db8::1/,
    /only IPv4 addresses can be persistent/,
  ],
  [
    "SEED-58, E28: a range for an address",
    `args.addresses.sip.address = "34.123.10.0/24";`,
    "addresses.sip.address",
    /34\.123\.10\.0\/24/,
    /only single addresses, \/32, are supported/,
  ],
  [
    "E30: more than 16 addresses in one route",
    `for (let i = 0; i < 15; i++) { args.addresses["a" + i] = {}; args.routes.proxy.addresses.push("a" + i); }`,
    "routes.proxy.addresses",
    /17/,
    /at most 16/,
  ],
  [
    "SEED-31: a zonal cluster in another region",
    `args.cluster.create.location = "europe-west1-b";`,
    "cluster.create.location",
    /"europe-west1-b"/,
    /neither the region "us-central1" nor one of its zones/,
  ],
  ["SEED-13: a layer 2 network", `args.networks.blue.mode = "L2";`, "networks.blue.mode", /"L2"/, /is not one of L3, Device/],
  [
    "SEED-6: a Pod network with the name of the primary one",
    `args.networks = { default: args.networks.blue }; args.addresses.inside.network = "default";`,
    "networks.default",
    /primary network/,
    /give it another name/,
  ],
  [
    "a network tier on an internal address",
    `args.addresses.inside.tier = "PREMIUM";`,
    "addresses.inside.tier",
    /internal address, which has no network tier/,
    /leave it out/,
  ],
  [
    "SEED-62: a reaction mode that does not exist",
    `args.routes.proxy.reactionMode = "Ready";`,
    "routes.proxy.reactionMode",
    /"Ready"/,
    /is not one of ReadyCondition, Exists/,
  ],
  [
    "a source that is no range",
    `args.networks.blue.ingress.web.sources = ["198.51.100.7/24"];`,
    "networks.blue.ingress.web.sources[0]",
    /"198\.51\.100\.7\/24"/,
    /is not a range such as .* with its host bits zero/,
  ],
];

/** Found only by asking Google, so the components are in the state already; nothing else is. */
const LATE: Wrong[] = [
  [
    "SEED-27: an adopted address that nobody reserved",
    `args.addresses.web = { existing: "wbe-address" };`,
    "addresses.web.existing",
    /"wbe-address" is not a reserved address of region us-central1/,
    /gcloud compute addresses create wbe-address --region us-central1/,
  ],
  [
    "E32: an adopted address of the other scope",
    `args.addresses.web = { existing: "taken-inside" };`,
    "addresses.web.existing",
    /taken-inside \(10\.128\.0\.99\) is INTERNAL/,
    /the scope here is External/,
  ],
];

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
  function told(ran: Ran, [, , field, value, remedy]: Wrong): void {
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
  }

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

  describe("an edit that would replace a protected address", () => {
    const set = (region: string, address: string): string =>
      `const { AddressSet } = require("pulumi-gke-persistent-ip");\nnew AddressSet("kept", { region: "${region}", addresses: { web: ${address} } });\n`;
    const EDITS: [what: string, text: string, property: string][] = [
      ["its value", set("us-central1", `{ address: "34.123.30.9" }`), "~address"],
      ["its region", set("us-east1", `{ address: "34.123.30.1" }`), "~region"],
      ["its network tier", set("us-central1", `{ address: "34.123.30.1", tier: "STANDARD" }`), "+networkTier"],
      ["its name", set("us-central1", `{ address: "34.123.30.1", name: "other" }`), "~name"],
    ];

    before(async () => {
      project.remove();
      project = await Project.create(world, "kept");
      project.program(set("us-central1", `{ address: "34.123.30.1" }`));
      const ran = await project.up();
      expect(ran.code, ran.text).to.equal(0);
    });

    for (const [what, text, property] of EDITS)
      it(`of ${what} is refused by the preview, which names the address and the property`, async () => {
        const before = cloud();
        project.program(text);
        const ran = await project.preview();
        expect(ran.code, ran.text).to.not.equal(0);
        expect(ran.errors, ran.text).to.have.length(1);
        expect(ran.errors[0]).to.match(/unable to replace resource ".*::kept-web"\s+as it is currently marked for protection/);
        expect(ran.text).to.contain(`kept-web replace[retain] [diff: ${property}]`);
        expect(cloud()).to.deep.equal(before);
      });

    it("by taking it out of the program is refused too", async () => {
      project.program(`require("pulumi-gke-persistent-ip");`);
      const ran = await project.preview();
      expect(ran.code, ran.text).to.not.equal(0);
      expect(ran.errors[0]).to.match(/::kept-web" cannot be deleted\s+because it is protected/);
    });
  });
});
