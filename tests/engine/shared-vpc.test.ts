// SPDX-License-Identifier: Apache-2.0
// Shared VPC on the real engine: addresses, rules and the cluster in one project, every network, subnet and firewall in another. What the controller
// asked of the host project is compared with the role that it gets there.
import { expect } from "chai";
import { HOST_PROJECT_PERMISSIONS, PERMISSIONS_BY_METHOD } from "../../controller/api/permissions";
import { untilReady } from "../../sandbox/demo";
import type { Exchange } from "../../sandbox/emulator";
import { changes } from "../../sandbox/demo";
import { Destroyed } from "../destroy/world";

const HOST = "host-project";
/** An internal address that somebody reserved in the host project; the program names it as it is. */
const BORROWED = "10.1.0.77";
const NETWORKS = ["networks", "subnetworks", "firewalls"] as const;
const OURS = ["addresses", "forwardingRules", "targetInstances", "instances"] as const;
const projectOf = (url: string): string => /projects\/([^/]+)\//.exec(url)?.[1] ?? url;

/** Rights in the host project that one request of the controller needed. */
function neededInHost({ path, methodId, request }: Exchange): readonly string[] {
  const method = methodId.replace(/^compute\./, "");
  if (projectOf(path) === HOST) return PERMISSIONS_BY_METHOD.find((m) => m.method === method)?.permissions ?? [`? ${method}`];
  const body = (request ?? {}) as Record<string, unknown>;
  const uses = {
    network: "compute.networks.use",
    subnetwork: "compute.subnetworks.use",
    IPAddress: "compute.addresses.useInternal",
  };
  return Object.entries(uses).flatMap(([field, right]) => {
    const value = body[field];
    return typeof value === "string" && projectOf(value) === HOST ? [right] : [];
  });
}

describe("a Shared VPC (E68)", function () {
  this.timeout(240_000);
  let stack: Destroyed;
  before(async function () {
    this.timeout(120_000);
    stack = await Destroyed.open(this, { hostProjects: [HOST] });
  });
  after(async () => stack?.close());

  const tell = (): void =>
    stack.tell("Delete", (a) => {
      a.networkProject = HOST;
      a.networks!["blue"]!.ingress = { web: { sources: ["198.51.100.0/24"], protocol: "tcp", ports: ["443"] } };
      a.addresses["borrowed"] = { literal: BORROWED, scope: "Internal" };
      a.routes!["borrowed"] = {
        namespace: "proxy",
        addresses: ["borrowed"],
        podSelector: { matchLabels: { app: "proxy" } },
        waitForAccepted: false,
      };
    });
  const reserve = async (): Promise<void> => {
    const { emulator, region } = stack.world;
    const subnetwork = `projects/${HOST}/regions/${region}/subnetworks/edge-blue`;
    const body = JSON.stringify({ name: "borrowed", addressType: "INTERNAL", subnetwork, address: BORROWED });
    const url = `${emulator.url}compute/v1/projects/${HOST}/regions/${region}/addresses`;
    const answer = await fetch(url, { method: "POST", body, headers: { "content-type": "application/json" } });
    expect(answer.status, await answer.text()).to.equal(200);
  };
  /** What lies in each project, as `family/name`. */
  const places = (): { host: string[]; own: string[] } => {
    const all = [...NETWORKS, ...OURS].flatMap((f) =>
      stack.world.emulator.list(f).map((r) => ({ project: projectOf(r.selfLink), what: `${f}/${r.name}` })),
    );
    const of = (project: string): string[] =>
      all.flatMap((r) => (r.project === project && !r.what.endsWith("/default") ? [r.what] : [])).sort();
    return { host: of(HOST), own: of(stack.world.project) };
  };

  it("preview and update agree, and every route becomes Ready, one with an address of the host project among them", async () => {
    tell();
    const planned = await stack.must(["preview"]);
    const made = await stack.must(["up", "--yes", "--skip-preview"]);
    expect(changes(made.text)).to.deep.equal(changes(planned.text));
    await reserve();
    const rows = await untilReady(stack.world, 60_000);
    expect(rows.map((r) => r.address))
      .to.include(BORROWED)
      .and.have.length(3);
  });

  it("networks, subnets and firewalls lie in the host project, and everything else in the other", async () => {
    const { host, own } = places();
    expect(host).to.deep.equal([
      "addresses/borrowed",
      "firewalls/edge-blue-web",
      "networks/edge-blue",
      "networks/nodes",
      "subnetworks/edge-blue",
      "subnetworks/nodes",
    ]);
    for (const what of own) expect(what).to.match(/^(addresses|forwardingRules|targetInstances|instances)\//);
    expect(own.filter((w) => w.startsWith("forwardingRules/"))).to.have.length(3);
    const roles = (await (await fetch(`${stack.world.emulator.url}sandbox/v1/resources/gcp:projects:IAMCustomRole`)).json()) as {
      items: { id: string; value: { inputs: { permissions: string[] } } }[];
    };
    const net = roles.items.find((r) => r.id.startsWith(`projects/${HOST}/`))!;
    expect(net.value.inputs.permissions).to.deep.equal([...HOST_PROJECT_PERMISSIONS]);
  });

  it("the controller used each right of its role in the host project, and needed no other", () => {
    const calls = stack.world.emulator.log.filter((e) => e.userAgent.startsWith("google-api-nodejs-client") && e.status === 200);
    const needed = new Set(calls.flatMap(neededInHost));
    expect([...needed].sort()).to.deep.equal([...HOST_PROJECT_PERMISSIONS]);
    const inHost = calls.filter((e) => projectOf(e.path) === HOST && e.method !== "GET");
    expect(
      inHost.map((e) => e.methodId),
      "written in the host project",
    ).to.deep.equal([]);
  });

  it("a second preview changes nothing, and a destroy leaves nothing of ours in either project", async () => {
    await stack.must(["preview", "--expect-no-changes"]);
    const { emulator, region } = stack.world;
    await stack.must([
      "destroy",
      "--yes",
      "--skip-preview",
      "--target",
      stack.urnOf("kubernetes:networking.gke.io/v1:GKEIPRoute", "edge-borrowed"),
      "--target-dependents",
    ]);
    await fetch(`${emulator.url}compute/v1/projects/${HOST}/regions/${region}/addresses/borrowed`, { method: "DELETE" });
    await stack.must(["destroy", "--yes", "--skip-preview"]);
    expect(places()).to.deep.equal({ host: [], own: [] });
    expect(stack.state()).to.deep.equal([]);
  });
});
