// SPDX-License-Identifier: Apache-2.0
// Rights, both ways: what the rendered roles grant and what a whole life of the controller really used, in Kubernetes by the API server's own audit
// log and in Google Cloud by the emulator's log of requests. A right that nothing used fails, and so does one that is missing.
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { GKE_CLASSES, KINDS, NAMESPACE, CONTROLLER } from "../../controller/api";
import { PERMISSIONS_BY_METHOD, REQUIRED_PERMISSIONS } from "../../controller/api/permissions";
import { resourcePath } from "../../controller/kubernetes";
import { clusterRules, ownRules } from "../../components/rbac";
import { eventually } from "../support/clients";
import { gateway, route } from "../support/workloads";
import { PROJECT, REGION, startLab, toolsOrSkip, type Lab } from "./lab";
import { startReplica, tailOf, type Replica } from "./replica";
import { differences, granted, overlooked, requestsOf, used } from "./rights";
import { Scene } from "./scene";

const [FIRST, UNRESERVED] = ["34.93.0.1", "34.93.0.9"];
const USER = `system:serviceaccount:${NAMESPACE}:${CONTROLLER}`;

describe("rights, granted and used", function () {
  this.timeout(120_000);
  let lab: Lab;
  let replica: Replica;
  let scene: Scene;

  before(async function () {
    // An API server without WatchList, as older ones are: the paged list is used too, behind each watch.
    const older = ["--feature-gates=WatchList=false"];
    lab = await startLab(await toolsOrSkip(this), { latencyMs: 10, nodes: 2, extraApiServerFlags: older });
    replica = await startReplica(lab, { name: "only" });
  });
  after(() => lab?.stop());

  it("a life: first assignment, move, internal address, one that is not reserved, transfer of a claim, a refused deletion, the end", async () => {
    scene = await Scene.open(lab, "life", [FIRST]);
    await scene.route("a", FIRST);
    await scene.pod({ app: "a", name: "a-1", node: "node-1" });
    try {
      await scene.untilHeld("a", "a-1");
      await scene.pod({ app: "a", name: "a-2", node: "node-2" });
      await scene.untilHeld("a", "a-2");
      await internal();
      await unreserved();
      await transfer();
      await refusedDeletion();
    } catch (error) {
      console.log(tailOf(replica));
      throw error;
    }
    await eventually(() => expect(lab.emulator.list("targetInstances")).to.deep.equal([]) && undefined, 30_000);
  });

  /** An internal address names its subnetwork only: which VPC that is in has to be asked. */
  async function internal(): Promise<void> {
    const subnetwork = `projects/${PROJECT}/regions/${REGION}/subnetworks/default`;
    const made = { name: "inside", addressType: "INTERNAL", purpose: "GCE_ENDPOINT", subnetwork };
    await lab.cloud("POST", `regions/${REGION}/addresses`, made);
    const { address } = lab.emulator.list("addresses").find((a) => a.name === "inside")!;
    await addGateway("inside", [address], GKE_CLASSES.Internal);
    await addRoute("inside", address, "inside");
    await scene.pod({ app: "inside", name: "inside-1", node: "node-1" });
    await scene.untilHeld("inside", "inside-1");
    await lab.admin.request("PATCH", resourcePath(KINDS.route, "life", "inside"), {
      body: { spec: { allowGlobalAccess: true } },
    });
    const global = (): boolean | undefined =>
      lab.emulator.list("forwardingRules").find((r) => r.IPAddress === address)?.allowGlobalAccess;
    await eventually(() => expect(global()).to.equal(true) && undefined);
    await scene.removeRoute("inside");
    await eventually(() => expect(scene.vmOf(address)).to.equal(undefined) && undefined);
  }
  /** Looked for in every region, and among delegated prefixes. */
  async function unreserved(): Promise<void> {
    await addGateway("nowhere", [UNRESERVED], GKE_CLASSES.External);
    await addRoute("nowhere", UNRESERVED, "nowhere");
    await scene.pod({ app: "nowhere", name: "nowhere-1", node: "node-1" });
    await eventually(
      async () => expect((await scene.condition("nowhere", "GCPReady"))?.reason).to.equal("GCPFailed") && undefined,
      30_000,
    );
    await scene.removeRoute("nowhere");
  }
  /** The heir takes the claim over; nothing is deleted in between. */
  async function transfer(): Promise<void> {
    await addRoute("heir", FIRST, "gw-0");
    await scene.pod({ app: "heir", name: "heir-1", node: "node-1" });
    await eventually(async () => expect((await scene.condition("heir", "Accepted"))?.status).to.equal("False") && undefined);
    await scene.removeRoute("a");
    await scene.untilHeld("heir", "heir-1");
  }
  /** An Event that repeats is counted up instead of written again. */
  async function refusedDeletion(): Promise<void> {
    const refuse = { status: 403, reason: "forbidden", message: "not now", retryAfterSeconds: 1 };
    const lost = lab.emulator.faults.add({ methodId: "compute.forwardingRules.delete", ...refuse });
    await scene.removeRoute("heir");
    await eventually(() => expect(lost.hits).to.be.greaterThan(2) && undefined, 60_000);
    lost.remove();
    await eventually(() => expect(scene.vmOf(FIRST)).to.equal(undefined) && undefined, 60_000);
    expect(lab.emulator.list("addresses").map((a) => a.status)).to.deep.equal(["RESERVED", "RESERVED"]);
  }
  const addGateway = (name: string, addresses: string[], className: string): Promise<unknown> =>
    lab.admin.request("POST", resourcePath(KINDS.gateway, "life"), { body: gateway("life", name, addresses, { className }) });
  const addRoute = (name: string, address: string, at: string): Promise<unknown> =>
    lab.admin.request("POST", resourcePath(KINDS.route, "life"), {
      body: route("life", name, { addresses: [address], selector: { app: name }, network: "default", gateway: at }),
    });

  it("DESIGN 9.8: Kubernetes: the rendered roles equal the verbs of the audit log, in both directions and without exceptions", () => {
    const rendered = { gkeClasses: true, observe: false };
    const have = granted([...clusterRules(rendered), ...ownRules(rendered)]);
    const events = requestsOf(USER, readFileSync(lab.auditLog, "utf8"));
    const refused = events.filter((e) => e.responseStatus?.code === 403).map((e) => `${e.verb} ${e.requestURI}`);
    expect(refused, "asked for and not allowed").to.deep.equal([]);
    expect(differences(have, used(events))).to.deep.equal({ missing: [], unused: [] });
    expect(overlooked(have, used(events)), "the comparison sees each single right that is too few or too many").to.deep.equal([]);
    console.log(`      ${have.length} rights in Kubernetes, each used; ${events.length} requests`);
  });

  it("DESIGN 9.8: Google Cloud: the custom role equals the permissions of the methods in the emulator's log, in both directions", () => {
    const calls = lab.emulator.log.filter((e) => /^google-api-nodejs-client/.test(e.userAgent));
    const methods = [...new Set(calls.map((e) => e.methodId.replace(/^compute\./, "")))];
    const known = new Map(PERMISSIONS_BY_METHOD.map((m) => [m.method, m.permissions]));
    expect(differences([...known.keys()], methods), "methods").to.deep.equal({ missing: [], unused: [] });
    const needed = methods.flatMap((m) => known.get(m) ?? []);
    expect(differences(REQUIRED_PERMISSIONS, needed)).to.deep.equal({ missing: [], unused: [] });
    expect(overlooked(REQUIRED_PERMISSIONS, needed)).to.deep.equal([]);
    // Rights that depend on what an insert says: both kinds of addresses were used.
    const inserts = calls.filter((e) => e.methodId === "compute.forwardingRules.insert" && e.status === 200);
    const schemes = inserts.map((e) => (e.request as { loadBalancingScheme?: string }).loadBalancingScheme);
    expect(schemes).to.include.members(["EXTERNAL", "INTERNAL"]);
    console.log(
      `      ${REQUIRED_PERMISSIONS.length} permissions in Google Cloud, each used by one of ${methods.length} methods; ${calls.length} requests`,
    );
  });
});
