// SPDX-License-Identifier: Apache-2.0
// The life of persistent addresses against the emulator: made, moved, released; external and internal; alone and together.
import { expect } from "chai";
import { CLUSTER_LABEL, OWNER_LABEL } from "../../controller/api/names";
import { judgeAddress } from "../../controller/core";
import { ingressAllowed, isComputeError } from "../../controller/compute";
import { openFence, REGION, startWorld, UID, ZONE, type World } from "./world";

const A = "34.123.10.1";
const B = "34.123.10.2";

describe("the life of an address on the Compute API", () => {
  let world: World;
  afterEach(() => world.close());

  it("finds, makes, moves and releases an external address, and leaves the reservation as it was (SEED-31)", async () => {
    world = await startWorld();
    const { emulator, fabric } = world;
    await world.reserve("web", A);
    const address = await fabric.findAddress(A, "External");
    expect(address).to.deep.include({
      name: "web",
      type: "External",
      status: "RESERVED",
      region: REGION,
      users: [],
      project: emulator.project,
    });
    expect(
      judgeAddress(address, { address: A, scope: "External", region: REGION, project: emulator.project, ours: () => false }),
    ).to.deep.equal({ usable: true });
    expect(await fabric.rulesOn(A)).to.deep.equal([]);

    const t1 = await fabric.ensureTarget(world.target("n1"), openFence);
    const t2 = await fabric.ensureTarget(world.target("n2"), openFence);
    expect([t1.ours, t1.instance, t1.zone, t1.vmReplaced]).to.deep.equal([true, "n1", ZONE, undefined]);

    const spec = world.rule(A, "web", t1.name);
    const rule = await fabric.createRule(spec, openFence);
    expect(rule).to.include({ address: A, target: spec.targetPath, protocol: "L3_DEFAULT", scheme: "EXTERNAL", ours: true });
    expect(rule.labels).to.deep.equal(spec.labels);
    const insert = emulator.log.find((exchange) => exchange.methodId === "compute.forwardingRules.insert");
    expect(insert?.request).not.to.have.property("labels");
    expect(await fabric.rulesOn(A)).to.deep.equal([rule]);
    expect((await fabric.findAddress(A, "External"))?.status).to.equal("IN_USE");

    const from = emulator.log.length;
    const moved = await fabric.setTarget(
      rule,
      `projects/${emulator.project}/zones/${ZONE}/targetInstances/${t2.name}`,
      openFence,
    );
    expect(moved.target).to.match(new RegExp(`${t2.name}$`));
    expect(world.methods(from)).to.deep.equal(["forwardingRules.setTarget", "regionOperations.wait", "forwardingRules.get"]);

    await fabric.deleteRule(moved, openFence);
    for (const target of [t1, t2]) await fabric.deleteTarget(target, openFence);
    expect(emulator.list("forwardingRules")).to.deep.equal([]);
    expect(emulator.list("targetInstances")).to.deep.equal([]);
    expect((await fabric.findAddress(A, "External"))?.status).to.equal("RESERVED");
    expect(world.methods().filter((method) => /^addresses\.(?!list|aggregatedList)/.test(method))).to.deep.equal([
      "addresses.insert",
    ]);
  });

  it("plans nothing the second time: every ensure and delete is a read only (DESIGN 9.5, E42)", async () => {
    world = await startWorld();
    const { emulator, fabric } = world;
    await world.reserve("web", A);
    const target = await fabric.ensureTarget(world.target("n1"), openFence);
    const rule = await fabric.createRule(world.rule(A, "web", target.name), openFence);
    const from = emulator.log.length;
    const again = world.restarted();
    expect(await again.ensureTarget(world.target("n1"), openFence)).to.deep.equal(target);
    expect(await again.createRule(world.rule(A, "web", target.name), openFence)).to.deep.equal(rule);
    expect(await again.setTarget(rule, rule.target ?? "", openFence)).to.equal(rule);
    expect(emulator.log.slice(from).filter((exchange) => exchange.method !== "GET")).to.deep.equal([]);
    await fabric.deleteRule(rule, openFence);
    await fabric.deleteTarget(target, openFence);
    const gone = emulator.log.length;
    await again.deleteRule(rule, openFence);
    await again.deleteTarget(target, openFence);
    expect(emulator.log.slice(gone).filter((exchange) => exchange.method !== "GET")).to.deep.equal([]);
  });

  it("moves two addresses side by side without mixing them up (E50, E70)", async () => {
    world = await startWorld({ operationLatencyMs: 150 });
    const { emulator, fabric } = world;
    await Promise.all([world.reserve("a", A), world.reserve("b", B)]);
    const [t1, t2] = await Promise.all([
      fabric.ensureTarget(world.target("n1"), openFence),
      fabric.ensureTarget(world.target("n2"), openFence),
    ]);
    const rules = await Promise.all([
      fabric.createRule(world.rule(A, "a", t1.name), openFence),
      fabric.createRule(world.rule(B, "b", t2.name), openFence),
    ]);
    const path = (name: string) => `projects/${emulator.project}/zones/${ZONE}/targetInstances/${name}`;
    const from = emulator.log.length;
    const moved = await Promise.all([
      fabric.setTarget(rules[0], path(t2.name), openFence),
      fabric.setTarget(rules[1], path(t1.name), openFence),
    ]);
    // Answers come in this order only if the second move was sent while the first one ran.
    expect(world.methods(from).slice(0, 2)).to.deep.equal(["forwardingRules.setTarget", "forwardingRules.setTarget"]);
    expect(moved.map((rule) => [rule.address, rule.target])).to.deep.equal([
      [A, path(t2.name)],
      [B, path(t1.name)],
    ]);
  });

  it("makes one target instance when several routes ask for the same node at once", async () => {
    world = await startWorld();
    const asked = Array.from({ length: 8 }, () => world.fabric.ensureTarget(world.target("n1"), openFence));
    expect(new Set((await Promise.all(asked)).map((target) => target.id)).size).to.equal(1);
    expect(world.methods().filter((method) => method === "targetInstances.insert")).to.have.length(1);
    const two = await Promise.all(
      [world.restarted(), world.restarted()].map((fabric) => fabric.ensureTarget(world.target("n2"), openFence)),
    );
    expect(new Set(two.map((target) => target.id)).size).to.equal(1);
  });

  it("names the VM that is gone or lacks the network, and notices one that was recreated (E19, E20)", async () => {
    world = await startWorld();
    const { emulator, fabric } = world;
    const missing: unknown = await fabric.ensureTarget(world.target("n9"), openFence).catch((error: unknown) => error);
    expect(isComputeError(missing, "NotFound") && missing.message).to.match(/instances\/n9 does not exist/);
    const wrong: unknown = await fabric.ensureTarget(world.target("n1", "blue"), openFence).catch((error: unknown) => error);
    expect(isComputeError(wrong, "Invalid") && wrong.message).to.match(
      /n1 has no network interface in VPC network blue; it has default/,
    );
    await fabric.ensureTarget(world.target("n1"), openFence);
    emulator.removeInstance(ZONE, "n1");
    expect(
      isComputeError(await fabric.ensureTarget(world.target("n1"), openFence).catch((error: unknown) => error), "NotFound"),
    ).to.equal(true);
    await new Promise((resolve) => setTimeout(resolve, 10));
    emulator.putInstance({ name: "n1", zone: ZONE });
    expect((await fabric.ensureTarget(world.target("n1"), openFence)).vmReplaced).to.equal(true);
  });

  it("refuses to delete a target instance that a rule uses, as InUse", async () => {
    world = await startWorld();
    await world.reserve("web", A);
    const target = await world.fabric.ensureTarget(world.target("n1"), openFence);
    await world.fabric.createRule(world.rule(A, "web", target.name), openFence);
    const error: unknown = await world.fabric.deleteTarget(target, openFence).catch((each: unknown) => each);
    expect(isComputeError(error, "InUse") && error.retry).to.equal(true);
    expect(world.emulator.list("targetInstances")).to.have.length(1);
  });

  it("changes labels under their fingerprint and never loses the owner's marks", async () => {
    world = await startWorld();
    await world.reserve("web", A);
    const target = await world.fabric.ensureTarget(world.target("n1"), openFence);
    const rule = await world.fabric.createRule(world.rule(A, "web", target.name), openFence);
    const labelled = await world.fabric.setLabels(rule, { team: "voice", [OWNER_LABEL]: "me" }, openFence);
    expect(labelled.labels).to.include({ team: "voice", [CLUSTER_LABEL]: UID });
    expect(labelled.ours).to.equal(true);
    expect(labelled.labelFingerprint).not.to.equal(rule.labelFingerprint);
  });
});

describe("addresses of one's own prefix (BYOIP)", () => {
  let world: World;
  afterEach(() => world.close());

  it("finds the delegated prefix of an address and whether it is announced (E35)", async () => {
    world = await startWorld();
    const { project } = world.emulator;
    const prefix = {
      name: "byo",
      ipCidrRange: "203.0.113.0/24",
      parentPrefix: `projects/${project}/global/publicAdvertisedPrefixes/pap`,
    };
    await world.rest("POST", `projects/${project}/global/publicAdvertisedPrefixes`, {
      name: "pap",
      ipCidrRange: "203.0.113.0/24",
      dnsVerificationIp: "203.0.113.1",
    });
    await world.rest("POST", `projects/${project}/regions/${REGION}/publicDelegatedPrefixes`, prefix);
    const found = await world.fabric.findPrefix("203.0.113.9");
    expect(found).to.include({ name: "byo", cidr: "203.0.113.0/24" });
    expect(found?.usable).to.equal(/^(ACTIVE|ANNOUNCED)/.test(found?.status ?? ""));
    expect(await world.fabric.findPrefix(A)).to.equal(undefined);
  });
});

describe("internal addresses on their VPC", () => {
  const INSIDE = "10.7.0.50";
  let world: World;
  afterEach(() => world.close());

  async function twoVpcs(): Promise<void> {
    world = await startWorld();
    const { project } = world.emulator;
    for (const vpc of ["blue", "red"]) {
      await world.rest("POST", `projects/${project}/global/networks`, { name: vpc, autoCreateSubnetworks: false });
      const subnet = { name: `${vpc}-sub`, network: `projects/${project}/global/networks/${vpc}`, ipCidrRange: "10.7.0.0/24" };
      await world.rest("POST", `projects/${project}/regions/${REGION}/subnetworks`, subnet);
      const subnetwork = `projects/${project}/regions/${REGION}/subnetworks/${vpc}-sub`;
      await world.reserve(`${vpc}-ip`, INSIDE, { addressType: "INTERNAL", subnetwork, purpose: "GCE_ENDPOINT" });
    }
    for (const name of ["n1", "n2"])
      world.emulator.putInstance({ name, zone: ZONE, networkInterfaces: [{}, { network: "blue" }, { network: "red" }] });
  }

  const specOn = (vpc: string, targetName: string) =>
    world.rule(INSIDE, `${vpc}-ip`, targetName, {
      name: `pip-${vpc}`,
      scope: "Internal",
      vpc,
      subnetwork: `${vpc}-sub`,
      allowGlobalAccess: true,
    });

  it("keeps the same literal of two VPCs apart (E31)", async () => {
    await twoVpcs();
    const { fabric } = world;
    expect((await fabric.findAddress(INSIDE, "Internal", "red"))?.name).to.equal("red-ip");
    expect((await fabric.findAddress(INSIDE, "Internal", "blue"))?.name).to.equal("blue-ip");
    for (const vpc of ["blue", "red"]) {
      const target = await fabric.ensureTarget(world.target("n1", vpc), openFence);
      expect(target.network).to.equal(vpc);
      const rule = await fabric.createRule(specOn(vpc, target.name), openFence);
      expect(rule).to.include({ scheme: "INTERNAL", network: vpc, address: INSIDE });
    }
    expect((await fabric.rulesOn(INSIDE, "red")).map((rule) => rule.name)).to.deep.equal(["pip-red"]);
    expect(await fabric.rulesOn(INSIDE)).to.have.length(2);
  });

  it("falls back to what the address can carry where L3_DEFAULT is refused, and says what is lost (E52)", async () => {
    await twoVpcs();
    world.emulator.faults.internalL3Default = false;
    const target = await world.fabric.ensureTarget(world.target("n1", "blue"), openFence);
    const refused: unknown = await world.fabric
      .createRule(specOn("blue", target.name), openFence)
      .catch((error: unknown) => error);
    expect(isComputeError(refused, "Invalid")).to.equal(true);
    const made = await world.fabric.createRules(specOn("blue", target.name), openFence);
    expect(made.carried).to.deep.equal(["TCP"]);
    expect(made.notCarried.map((each) => each.protocol)).to.deep.equal(["UDP", "ICMP", "ESP", "AH", "SCTP"]);
    expect(made.notCarried[0]?.why).to.contain("SHARED_LOADBALANCER_VIP");
    const from = world.emulator.log.length;
    expect((await world.fabric.createRules(specOn("blue", target.name), openFence)).rules).to.deep.equal(made.rules);
    const inserts = world.emulator.log.slice(from).filter((each) => each.methodId === "compute.forwardingRules.insert");
    expect(inserts.filter((each) => JSON.stringify(each.request).includes("L3_DEFAULT"))).to.deep.equal([]);
  });

  it("turns global access on and off in place, sends nothing where it is so already, and leaves foreign rules alone (E25, E48)", async () => {
    await twoVpcs();
    const { fabric, emulator } = world;
    const target = await fabric.ensureTarget(world.target("n1", "blue"), openFence);
    const rule = await fabric.createRule({ ...specOn("blue", target.name), allowGlobalAccess: false }, openFence);
    expect(rule.allowGlobalAccess).to.equal(undefined);
    const on = await fabric.setGlobalAccess(rule, true, openFence);
    expect([on.allowGlobalAccess, on.id, on.target]).to.deep.equal([true, rule.id, rule.target]);
    const from = emulator.log.length;
    expect((await fabric.setGlobalAccess(rule, true, openFence)).allowGlobalAccess).to.equal(true);
    expect(world.methods(from)).to.deep.equal(["forwardingRules.get"]);
    expect((await fabric.setGlobalAccess(on, false, openFence)).allowGlobalAccess).to.equal(undefined);
    const other = world.restarted({ clusterUid: "another-cluster" });
    const refused: unknown = await other.setGlobalAccess(on, true, openFence).catch((error: unknown) => error);
    expect(isComputeError(refused, "Conflict")).to.equal(true);
  });

  it("carries TCP and UDP in the fallback on a shared internal address (E52)", async () => {
    await twoVpcs();
    world.emulator.faults.internalL3Default = false;
    const subnetwork = `projects/${world.emulator.project}/regions/${REGION}/subnetworks/blue-sub`;
    await world.reserve("shared", "10.7.0.60", { addressType: "INTERNAL", subnetwork, purpose: "SHARED_LOADBALANCER_VIP" });
    const target = await world.fabric.ensureTarget(world.target("n1", "blue"), openFence);
    const spec = { ...specOn("blue", target.name), address: "10.7.0.60", addressName: "shared" };
    const made = await world.fabric.createRules(spec, openFence);
    expect(made.carried).to.deep.equal(["TCP", "UDP"]);
    expect(made.rules.map((rule) => rule.name)).to.deep.equal(["pip-blue-tcp", "pip-blue-udp"]);
  });

  it("refuses an internal rule without its VPC before anything is sent", async () => {
    await twoVpcs();
    const from = world.emulator.log.length;
    const spec = { ...specOn("blue", "t"), subnetwork: undefined };
    const error: unknown = await world.fabric.createRule(spec, openFence).catch((each: unknown) => each);
    expect(isComputeError(error, "Invalid") && error.message).to.match(/needs vpc and subnetwork; got vpc blue, subnetwork none/);
    expect(world.emulator.log.length).to.equal(from);
  });

  it("sees whether the VPC's firewall lets anything in (E55)", async () => {
    await twoVpcs();
    const open = async () => ingressAllowed((await world.fabric.snapshot()).firewalls, "blue", INSIDE);
    expect(await open()).to.equal(false);
    const network = `projects/${world.emulator.project}/global/networks/blue`;
    const rule = { name: "sip", network, allowed: [{ IPProtocol: "udp", ports: ["5060"] }], sourceRanges: ["10.0.0.0/8"] };
    await world.rest("POST", `projects/${world.emulator.project}/global/firewalls`, rule);
    expect(await open()).to.equal(true);
  });
});
