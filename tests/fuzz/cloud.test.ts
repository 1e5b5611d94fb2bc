// SPDX-License-Identifier: Apache-2.0
// Any answer of Google Cloud: an outcome or a ComputeError with a code, never another error, never a loop; and what is said of one address or
// rule is nothing to the others.
import type { compute_v1 } from "@googleapis/compute/build/v1";
import { expect } from "chai";
import * as fc from "fast-check";
import {
  COMPUTE_ERROR_CODES,
  createFabric,
  isComputeError,
  type CloudSnapshot,
  type Fabric,
  type ObservedRule,
} from "../../controller/compute";
import { readAnswer } from "../../controller/compute/answers";
import { fromHttp, fromOperation, fromTransport, retryAfterMs } from "../../controller/compute/errors";
import { toAddress, toFirewall, toPrefix, toRule, toTarget } from "../../controller/compute/observe";
import { CloudView } from "../../controller/manager/cloud";
import { json, mangled, text } from "./arbitraries";
import { check, checkAsync } from "./budget";

const LINK = "https://www.googleapis.com/compute/v1/projects/demo";
const GOOD = {
  rule: {
    name: "pip-fr-1",
    IPAddress: "34.1.1.1",
    target: `${LINK}/zones/z/targetInstances/t`,
    IPProtocol: "L3_DEFAULT",
    loadBalancingScheme: "EXTERNAL",
    labels: { a: "b" },
    labelFingerprint: "f",
    id: "1",
    description: "d",
    network: `${LINK}/global/networks/n`,
  },
  target: {
    name: "pip-ti-1",
    zone: `${LINK}/zones/z`,
    instance: `${LINK}/zones/z/instances/i`,
    network: `${LINK}/global/networks/n`,
    description: "d",
    id: "2",
    creationTimestamp: "2026-01-01T00:00:00Z",
  },
  address: {
    name: "a",
    address: "34.1.1.1",
    addressType: "EXTERNAL",
    status: "IN_USE",
    users: [`${LINK}/regions/r/forwardingRules/pip-fr-1`],
    region: `${LINK}/regions/r`,
    networkTier: "PREMIUM",
    selfLink: `${LINK}/regions/r/addresses/a`,
  },
  firewall: {
    name: "f",
    network: `${LINK}/global/networks/n`,
    direction: "INGRESS",
    priority: 1000,
    disabled: false,
    allowed: [{ IPProtocol: "tcp", ports: ["80"] }],
    sourceRanges: ["0.0.0.0/0"],
    destinationRanges: ["34.1.1.1/32"],
    targetTags: ["t"],
  },
  prefix: { name: "p", status: "ANNOUNCED", ipCidrRange: "34.1.1.0/24" },
  operation: {
    name: "op",
    status: "DONE",
    region: `${LINK}/regions/r`,
    error: { errors: [{ code: "RESOURCE_NOT_FOUND", message: "m" }] },
    httpErrorStatusCode: 404,
    httpErrorMessage: "NOT FOUND",
  },
  failure: {
    error: {
      code: 403,
      message: "m",
      status: "PERMISSION_DENIED",
      errors: [{ reason: "rateLimitExceeded", message: "m", domain: "usageLimits" }],
    },
  },
  page: { kind: "compute#list", items: [] as object[], nextPageToken: "" },
};
const loose = () => false;
const odd = <K extends keyof typeof GOOD>(kind: K): fc.Arbitrary<(typeof GOOD)[K]> => mangled(GOOD[kind], loose);
const status = fc.oneof(
  fc.constantFrom(400, 401, 403, 404, 408, 409, 410, 412, 429, 500, 502, 503),
  fc.integer({ min: 400, max: 599 }),
);

/** As the client hands it on. */
const got = <T>(resource: string, data: T): T => readAnswer(`${resource}.get`, data);
function known(error: unknown): void {
  expect(isComputeError(error), error instanceof Error ? error.stack : String(error)).to.equal(true);
  if (isComputeError(error)) expect(COMPUTE_ERROR_CODES).to.include(error.code);
}

describe("fuzz: answers of Google Cloud", function () {
  this.timeout(300_000);

  it("every refusal gets a code, a sentence, and a pause that is a number or none (E50)", () =>
    check(
      0.12,
      fc.record({
        status,
        body: fc.oneof(odd("failure"), json, text),
        retryAfter: fc.option(fc.oneof(text, fc.nat().map(String)), { nil: undefined }),
      }),
      ({ status: code, body, retryAfter }) => {
        const error = fromHttp(
          "forwardingRules.setTarget",
          { status: code, body, ...(retryAfter === undefined ? {} : { retryAfter }) },
          0,
        );
        known(error);
        expect(error.message).to.contain(`HTTP ${code}`);
        expect(retryAfterMs(retryAfter, 0) ?? 0).to.satisfy((ms: number) => ms >= 0 && !Number.isNaN(ms));
      },
    ));

  it("every failed operation and every broken connection gets a code (E47, E50)", () =>
    check(0.08, fc.record({ operation: odd("operation"), cause: json }), ({ operation, cause }) => {
      known(fromOperation("m", operation));
      known(fromTransport("m", cause));
    }));

  it("every object is read to plain fields of the types that the rest relies on", () =>
    check(
      0.1,
      fc.record({
        rule: odd("rule"),
        target: odd("target"),
        address: odd("address"),
        firewall: odd("firewall"),
        prefix: odd("prefix"),
      }),
      (o) => {
        const rule = toRule("c", got("forwardingRules", o.rule));
        for (const v of [rule.name, rule.address, rule.scheme, rule.protocol, rule.id]) expect(v).to.be.a("string");
        expect([rule.ours, typeof rule.labels, Array.isArray(rule.labels)]).to.deep.equal([false, "object", false]);
        const target = toTarget("c", got("targetInstances", o.target));
        for (const v of [target.name, target.zone, target.instance, target.id]) expect(v).to.be.a("string");
        const address = toAddress("demo", got("addresses", o.address));
        for (const v of [address.name, address.address, address.status, ...address.users]) expect(v).to.be.a("string");
        const firewall = toFirewall(got("firewalls", o.firewall));
        for (const v of [...firewall.protocols, ...firewall.sourceRanges, ...firewall.destinationRanges])
          expect(v).to.be.a("string");
        expect(toPrefix(got("publicDelegatedPrefixes", o.prefix)).usable).to.be.a("boolean");
      },
    ));

  /** A client of Google's that answers what it is told, one after the other, and then that all is well and nothing is there. */
  function fabricWith(answers: readonly { status: number; data: unknown }[]): Fabric {
    let n = 0;
    const call = (): Promise<object> => {
      const next = answers[n++] ?? { status: 200, data: { status: "DONE", items: [] } };
      return Promise.resolve({ headers: {}, ...next });
    };
    const methods = new Proxy({}, { get: () => call });
    const api = new Proxy({}, { get: () => methods }) as compute_v1.Compute;
    let at = 0;
    const clock = {
      now: () => (at += 1),
      monotonic: () => (at += 1),
      sleep: (ms: number) => {
        at += ms;
        return Promise.resolve();
      },
    };
    const config = {
      project: "demo",
      region: "r",
      clusterUid: "c",
      auth: "none" as const,
      rootUrl: "http://127.0.0.1:9/",
      operationTimeoutMs: 2_000,
    };
    return createFabric(config, { clock, random: () => 0.5, uuid: () => "00000000-0000-4000-8000-000000000000", api });
  }
  const fence = { check: () => undefined };
  const rule: ObservedRule = {
    ...toRule("c", GOOD.rule),
    ours: true,
    labels: { "managed-by": "gke-persistent-ip", "gke-persistent-ip-cluster": "c" },
  };
  const spec = {
    name: "pip-fr-1",
    address: "34.1.1.1",
    addressName: "a",
    scope: "External" as const,
    targetPath: "projects/demo/zones/z/targetInstances/t",
    labels: {},
    description: "d",
  };
  const CALLS: Record<string, (f: Fabric) => Promise<unknown>> = {
    snapshot: (f) => f.snapshot(),
    findAddress: (f) => f.findAddress("34.1.1.1", "External"),
    findPrefix: (f) => f.findPrefix("34.1.1.1"),
    rulesOn: (f) => f.rulesOn("34.1.1.1"),
    getRule: (f) => f.getRule("pip-fr-1"),
    rulesBeingMade: (f) => f.rulesBeingMade(),
    ensureTarget: (f) => f.ensureTarget({ name: "pip-ti-1", zone: "z", instance: "i", description: "d" }, fence),
    createRules: (f) => f.createRules(spec, fence),
    setTarget: (f) => f.setTarget(rule, "projects/demo/zones/z/targetInstances/u", fence),
    deleteRule: (f) => f.deleteRule(rule, fence),
    deleteTarget: (f) => f.deleteTarget({ ...toTarget("c", GOOD.target), ours: true }, fence),
  };
  const answer = fc.record({
    status: fc.oneof({ weight: 3, arbitrary: fc.constant(200) }, { weight: 1, arbitrary: status }),
    data: fc.oneof(
      ...(["rule", "target", "address", "operation", "failure"] as const).map((k) => odd(k).map((v): unknown => v)),
      odd("page").map((v): unknown => v),
      fc.constant<unknown>({ items: [null, 1, {}, { operationType: "insert", status: "RUNNING", targetLink: 7 }] }),
      fc.array(fc.oneof(odd("rule"), odd("address"), odd("firewall")), { maxLength: 2 }).map((items): unknown => ({ items })),
      json.map((v): unknown => v),
    ),
  });

  it("every call of the fabric ends with an answer or a ComputeError, whatever is answered to it (C1)", () =>
    checkAsync(
      0.06,
      fc.record({ call: fc.constantFrom(...Object.keys(CALLS)), answers: fc.array(answer, { minLength: 1, maxLength: 6 }) }),
      async ({ call, answers }) => {
        await CALLS[call]!(fabricWith(answers)).catch(known);
      },
    ));

  it("one odd address, rule or firewall in the lists is nothing to another address (E25, E49)", () => {
    const good: CloudSnapshot = {
      addresses: [
        toAddress("demo", {
          ...GOOD.address,
          address: "34.2.2.2",
          name: "other",
          users: [],
          selfLink: `${LINK}/regions/r/addresses/other`,
        }),
      ],
      rules: [toRule("c", { ...GOOD.rule, name: "elsewhere", IPAddress: "34.3.3.3" })],
      ...{ targets: [], firewalls: [toFirewall(GOOD.firewall)] },
    };
    const look = async (s: CloudSnapshot): Promise<string> => {
      const view = new CloudView({ snapshot: () => Promise.resolve(s) } as unknown as Fabric, {
        project: "demo",
        region: "r",
        clusterUid: "c",
      });
      await view.refresh();
      const key = { address: "34.2.2.2", scope: "External" } as const;
      return JSON.stringify([view.fact(key), view.ruleFact(key), view.ownRules(), view.firewallAdvice(key, "x")]);
    };
    return checkAsync(0.06, fc.record({ address: odd("address"), rule: odd("rule"), firewall: odd("firewall") }), async (o) => {
      const more: CloudSnapshot = {
        addresses: [...good.addresses, toAddress("demo", got("addresses", o.address))],
        rules: [...good.rules, toRule("c", got("forwardingRules", o.rule))],
        ...{ targets: [], firewalls: [...good.firewalls, toFirewall(got("firewalls", o.firewall))] },
      };
      expect(await look(more)).to.equal(await look(good));
    });
  });
});
