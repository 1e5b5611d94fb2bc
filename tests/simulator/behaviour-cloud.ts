// SPDX-License-Identifier: Apache-2.0
// What Google Compute does, as far as the controller leans on it. One suite for two clouds: the one in memory (here, in the fast suite) and the
// emulator (tests/models), both behind Google's generated client.
import { expect } from "chai";
import type { compute_v1 } from "@googleapis/compute/build/v1";
import { Chance } from "./engine/chance";

export interface CloudUnderTest {
  api: compute_v1.Compute;
  project: string;
  region: string;
  zone: string;
  /** A reserved external address, by name and value. */
  reserve(name: string, address: string): Promise<void>;
  putInstance(name: string): void;
}
interface Answer {
  status: number;
  data: Record<string, unknown>;
}
type Body = Record<string, unknown>;
const OPTIONS = { retry: false, validateStatus: () => true } as const;

/** Registers the suite. @param open answers the cloud under test; its operations take some time */
export function cloudBehaviour(open: () => CloudUnderTest): void {
  const chance = new Chance(Date.now());
  const tag = chance.uuid().slice(0, 6);
  let serial = 0;
  const call = async (family: string, verb: string, params: Body): Promise<Answer> => {
    const { api, project } = open();
    const methods = api as unknown as Record<string, Record<string, (p: Body, o: object) => Promise<Answer>>>;
    const { status, data } = await methods[family]![verb]!({ project, ...params }, OPTIONS);
    return { status, data };
  };
  const rule = (verb: string, more: Body): Promise<Answer> => call("forwardingRules", verb, { region: open().region, ...more });
  const target = (verb: string, more: Body): Promise<Answer> => call("targetInstances", verb, { zone: open().zone, ...more });
  const reason = ({ status, data }: Answer): [number, string] => [
    status,
    String((data.error as { errors: { reason: string }[] } | undefined)?.errors[0]?.reason),
  ];
  const done = async ({ status, data }: Answer): Promise<Body> => {
    expect(status, JSON.stringify(data)).to.equal(200);
    let operation = data;
    while (operation.status !== "DONE") {
      const [family, place] = operation.zone
        ? ["zoneOperations", { zone: open().zone }]
        : ["regionOperations", { region: open().region }];
      operation = (await call(family, "wait", { ...(place as Body), operation: operation.name })).data;
    }
    return operation;
  };
  const targetUrl = (name: string): string =>
    `https://www.googleapis.com/compute/v1/projects/${open().project}/zones/${open().zone}/targetInstances/${name}`;
  const insertTarget = (name: string, instance: string, requestId = chance.uuid()): Promise<Answer> => {
    const { project, zone } = open();
    return target("insert", {
      requestId,
      requestBody: {
        name,
        instance: `https://www.googleapis.com/compute/v1/projects/${project}/zones/${zone}/instances/${instance}`,
        natPolicy: "NO_NAT",
      },
    });
  };
  const insertRule = (name: string, address: string, to: string, requestId = chance.uuid()): Promise<Answer> => {
    const { project, region } = open();
    const IPAddress = `https://www.googleapis.com/compute/v1/projects/${project}/regions/${region}/addresses/${address}`;
    return rule("insert", {
      requestId,
      requestBody: {
        name,
        IPAddress,
        IPProtocol: "L3_DEFAULT",
        allPorts: true,
        loadBalancingScheme: "EXTERNAL",
        target: targetUrl(to),
      },
    });
  };
  const setTarget = (name: string, to: string, requestId = chance.uuid()): Promise<Answer> =>
    rule("setTarget", { forwardingRule: name, requestId, requestBody: { target: targetUrl(to) } });
  const targetOf = async (name: string): Promise<string> =>
    String((await rule("get", { forwardingRule: name })).data.target)
      .split("/")
      .at(-1)!;

  /** A VM with its target instance, an address, and a rule from one to the other. */
  async function furnished(): Promise<{ vm: string; address: string; ip: string; ti: string; other: string; fr: string }> {
    const n = `${tag}-${++serial}`;
    const ip = `34.9.${chance.int(1, 250)}.${chance.int(1, 250)}`;
    const names = { vm: `vm-${n}`, address: `addr-${n}`, ip, ti: `ti-a-${n}`, other: `ti-b-${n}`, fr: `fr-${n}` };
    open().putInstance(names.vm);
    await open().reserve(names.address, ip);
    await done(await insertTarget(names.ti, names.vm));
    await done(await insertTarget(names.other, names.vm));
    await done(await insertRule(names.fr, names.address, names.ti));
    return names;
  }

  it("what is not there is 404 to read, delete, point at and wait for", async () => {
    const { address } = await furnished();
    const answers = [
      await rule("get", { forwardingRule: "none" }),
      await rule("delete", { forwardingRule: "none", requestId: chance.uuid() }),
      await target("get", { targetInstance: "none" }),
      await target("delete", { targetInstance: "none", requestId: chance.uuid() }),
      await insertTarget("ti-none", "vm-none"),
      await insertRule("fr-none", address, "ti-none"),
      await call("regionOperations", "wait", { region: open().region, operation: "operation-none" }),
    ];
    expect(answers.map(reason)).to.deep.equal(answers.map(() => [404, "notFound"]));
  });
  it("an operation runs and is done, and only then its effect is there", async () => {
    const { fr, ti, other } = await furnished();
    const asked = await setTarget(fr, other);
    expect(asked.data.status).to.equal("RUNNING");
    expect(await targetOf(fr)).to.equal(ti);
    expect((await done(asked)).error).to.equal(undefined);
    expect(await targetOf(fr)).to.equal(other);
  });
  it("while an operation runs its resource is not ready for another, and an insert of the name exists already", async () => {
    const { fr, other, ti, vm } = await furnished();
    const asked = await setTarget(fr, other);
    expect(reason(await setTarget(fr, ti))).to.deep.equal([400, "resourceNotReady"]);
    expect(reason(await rule("delete", { forwardingRule: fr, requestId: chance.uuid() }))).to.deep.equal([
      400,
      "resourceNotReady",
    ]);
    await done(asked);
    const making = await insertTarget(`${ti}-c`, vm);
    expect(reason(await insertTarget(`${ti}-c`, vm))).to.deep.equal([409, "alreadyExists"]);
    await done(making);
    expect(reason(await insertTarget(`${ti}-c`, vm))).to.deep.equal([409, "alreadyExists"]);
  });
  it("an operation under way is listed with what it makes, and not when it is done; what it makes is in no list before", async () => {
    const { fr, address, ti } = await furnished();
    await done(await rule("delete", { forwardingRule: fr, requestId: chance.uuid() }));
    const underWay = async (): Promise<string[]> => {
      const { region } = open();
      const { data } = await call("regionOperations", "list", { region, filter: 'status != "DONE"' });
      const all = (data.items ?? []) as { operationType: string; targetLink: string }[];
      return all.map((o) => `${o.operationType} ${o.targetLink.split("/").slice(-2).join("/")}`);
    };
    const asked = await insertRule(fr, address, ti);
    expect(await underWay()).to.include(`insert forwardingRules/${fr}`);
    expect((await rule("get", { forwardingRule: fr })).status).to.equal(404);
    await done(asked);
    expect(await underWay()).not.to.include(`insert forwardingRules/${fr}`);
  });
  it("a requestId that comes again is answered with the same operation and has no second effect; for another request it is invalid", async () => {
    const { fr, ti, other } = await furnished();
    const id = chance.uuid();
    const first = await setTarget(fr, other, id);
    const again = await setTarget(fr, other, id);
    expect(again.data.name).to.equal(first.data.name);
    await done(first);
    await done(await setTarget(fr, ti));
    expect((await setTarget(fr, other, id)).data).to.include({ name: first.data.name, status: "DONE" });
    expect(await targetOf(fr)).to.equal(ti);
    expect(reason(await rule("delete", { forwardingRule: fr, requestId: id }))).to.deep.equal([400, "invalid"]);
  });
  it("an address carries one such rule, says who uses it, and a rule is found by it", async () => {
    const { fr, address, ip, ti } = await furnished();
    const second = await insertRule(`${fr}-b`, address, ti);
    expect(reason(second)).to.deep.equal([400, "invalid"]);
    expect(JSON.stringify(second.data)).to.match(
      /in-use and would result in a conflict|in-use by .* and would result in a conflict/,
    );
    const listed = (await call("addresses", "list", { region: open().region, filter: `address = "${ip}"` })).data.items as Body[];
    expect(listed.map((a) => [a.name, a.status, (a.users as string[]).map((u) => u.split("/").at(-1))])).to.deep.equal([
      [address, "IN_USE", [fr]],
    ]);
    const rules = (await rule("list", { filter: `IPAddress = "${ip}"` })).data.items as Body[];
    expect(rules.map((r) => r.name)).to.deep.equal([fr]);
  });
  it("a target instance in use is not deleted; when its rule has gone it is", async () => {
    const { fr, ti } = await furnished();
    const remove = (): Promise<Answer> => target("delete", { targetInstance: ti, requestId: chance.uuid() });
    expect(reason(await remove())).to.deep.equal([400, "resourceInUseByAnotherResource"]);
    await done(await rule("delete", { forwardingRule: fr, requestId: chance.uuid() }));
    await done(await remove());
    expect((await target("get", { targetInstance: ti })).status).to.equal(404);
  });
  it("labels are set under the fingerprint that was read, else the condition is not met", async () => {
    const { fr } = await furnished();
    const { labelFingerprint } = (await rule("get", { forwardingRule: fr })).data;
    const set = (fingerprint: unknown): Promise<Answer> =>
      rule("setLabels", {
        resource: fr,
        requestId: chance.uuid(),
        requestBody: { labels: { a: "b" }, labelFingerprint: fingerprint },
      });
    await done(await set(labelFingerprint));
    expect((await rule("get", { forwardingRule: fr })).data.labels).to.deep.equal({ a: "b" });
    expect(reason(await set(labelFingerprint))).to.deep.equal([412, "conditionNotMet"]);
  });
}
