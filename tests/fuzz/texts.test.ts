// SPDX-License-Identifier: Apache-2.0
// Any text where a person or another program writes one: annotations, selectors, addresses, provider ids. Read or refused, never thrown.
import { expect } from "chai";
import * as fc from "fast-check";
import {
  formatAddress,
  interfaceOn,
  parseAddress,
  parseInterfaces,
  parseNorthInterfaces,
  parseProviderId,
  parseRange,
  parseSelector,
  STABILITY_ANNOTATION,
  stabilityFindings,
  stabilityPolicy,
  type AddressBinding,
  type LabelSelector,
} from "../../controller/api";
import { select, stabilityOf } from "../../controller/core";
import { gatewayOf, nodeOf, podOf, routeOf, world } from "../../controller/core/testing";
import { json, text } from "./arbitraries";
import { check } from "./budget";

const NETWORK = { name: "blue-network", type: "L3", vpc: "blue-vpc" } as const;
/** JSON of any shape, almost the right one, or no JSON at all. */
const interfaceText = fc.oneof(
  text,
  json.map((v) => JSON.stringify(v)),
  fc
    .array(fc.dictionary(fc.constantFrom("interfaceName", "network", "interface", "x"), json, { maxKeys: 3 }), { maxLength: 3 })
    .map((v) => JSON.stringify(v)),
  fc
    .array(fc.record({ interfaceName: text, network: fc.constantFrom("default", "blue-network", "x") }), { maxLength: 3 })
    .map((v) => JSON.stringify(v)),
);
const label = fc.constantFrom("a", "b", "app.kubernetes.io/name", "constructor", "__proto__", "A/B", "-x", "");
const value = fc.constantFrom("1", "2", "", "x.y", "-", "Ä");
const selector: fc.Arbitrary<LabelSelector> = fc.record(
  {
    matchLabels: fc.dictionary(fc.oneof(label, text), fc.oneof(value, text), { maxKeys: 3, noNullPrototype: true }),
    matchExpressions: fc.array(
      fc.record(
        {
          key: fc.oneof(label, text),
          operator: fc.oneof(fc.constantFrom("In", "NotIn", "Exists", "DoesNotExist"), text),
          values: fc.array(fc.oneof(value, text), { maxLength: 3 }),
        },
        { requiredKeys: ["key", "operator"] },
      ),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: [] },
);
const labels = fc.dictionary(label, value, { maxKeys: 4, noNullPrototype: true });

describe("fuzz: texts", function () {
  this.timeout(300_000);

  it("interfaces of a Pod: read to interfaces with a name and one network each, or refused with a sentence (E22)", () =>
    check(0.1, interfaceText, (annotation) => {
      const parsed = parseInterfaces(annotation);
      if (!parsed.ok) return void expect(parsed.message).to.match(/^(annotation )?networking\.gke\.io\/interfaces/);
      for (const i of parsed.value) expect((i.network === undefined) !== (i.interface === undefined)).to.equal(true);
      const found = interfaceOn(parsed.value, "blue-network");
      expect(found).to.equal(parsed.value.find((i) => i.network === "blue-network")?.interfaceName);
    }));

  it("a Pod with any interfaces text leaves the choice among the others as it is, or is itself on the network (E22)", () => {
    const [good, other] = [podOf("good", 1), podOf("other", 9)];
    check(0.06, interfaceText, (annotation) => {
      const odd = { ...other, interfaces: parseInterfaces(annotation) };
      const { selected } = select(world({ pods: [good, odd] }), routeOf(), NETWORK);
      const on = odd.interfaces.ok && odd.interfaces.value.some((i) => i.network === "blue-network");
      expect(selected?.name).to.equal(on ? "other" : "good");
    });
  });

  it("networks and provider id of a node: read, or left out", () =>
    check(
      0.08,
      fc.record({
        north: interfaceText,
        id: fc.oneof(
          text,
          text.map((t) => `gce://${t}`),
          fc.constant("gce://p/z/i"),
        ),
      }),
      ({ north, id }) => {
        for (const n of parseNorthInterfaces(north))
          expect([typeof n.network, typeof n.ipAddress]).to.deep.equal(["string", "string"]);
        const vm = parseProviderId(id);
        if (vm) expect(`gce://${vm.project}/${vm.zone}/${vm.instance}`).to.equal(id);
      },
    ));

  it("selectors: problems or a matcher, never both; an operator and its opposite split all Pods between them (E13, E14)", () =>
    check(0.1, fc.record({ selector, labels }), ({ selector: s, labels: have }) => {
      const parsed = parseSelector(s);
      if (!parsed.ok) return void expect(parsed.problems.every((p) => p.message.length > 0)).to.equal(true);
      expect(parsed.matches(have)).to.be.a("boolean");
      const opposite = { In: "NotIn", NotIn: "In", Exists: "DoesNotExist", DoesNotExist: "Exists" } as const;
      for (const e of s.matchExpressions ?? []) {
        const [one, two] = [e, { ...e, operator: opposite[e.operator as "In"] }].map((x) =>
          parseSelector({ matchExpressions: [x] }),
        );
        if (one!.ok && two!.ok) expect(one!.matches(have)).to.equal(!two!.matches(have));
      }
    }));

  it("a route with any selector changes nothing for another one", () => {
    const pods = [podOf("good", 1)];
    const good = routeOf();
    const before = select(world({ pods, routes: [good] }), good, NETWORK).selected;
    check(0.04, selector, (podSelector) => {
      const odd = routeOf({ metadata: { name: "odd" }, spec: { podSelector } });
      const w = world({ pods, routes: [odd, good] });
      select(w, odd, NETWORK);
      expect(select(w, good, NETWORK).selected).to.deep.equal(before);
    });
  });

  it("addresses: one canonical form that reads as itself, or a refusal that names the value (E28)", () =>
    check(
      0.12,
      fc.oneof(
        text,
        fc.ipV4(),
        fc.tuple(fc.ipV4(), text).map(([a, t]) => `${a}/${t}`),
        fc.ipV6(),
        fc.array(fc.integer({ min: -1, max: 300 }), { minLength: 3, maxLength: 5 }).map((n) => n.join(".")),
      ),
      (given) => {
        const parsed = parseAddress(given);
        if (!parsed.ok)
          return void expect(parsed.message).to.satisfy((m: string) => m.includes(JSON.stringify(given)) || given === "");
        expect(formatAddress(parsed.value)).to.equal(parsed.address);
        expect(parseAddress(`${parsed.address}/32`)).to.deep.equal(parsed);
        expect(parseRange(parsed.address)?.first).to.equal(parsed.value);
      },
    ));

  const annotations = fc.dictionary(
    fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...Object.values(STABILITY_ANNOTATION)) },
      { weight: 1, arbitrary: text.map((t) => `gke-persistent-ip.dev/${t}`) },
    ),
    fc.oneof(text, fc.constantFrom("true", "false", "60", "3/600", "tier=gold:5", "pod-1", "pod-2", "1/1")),
    { maxKeys: 6, noNullPrototype: true },
  );
  const binding = (holder: string, at: string): AddressBinding => ({
    metadata: { name: "34-123-10-1" },
    spec: {
      address: "34.123.10.1",
      scope: "External",
      route: { namespace: "default", name: "my-ip-route", uid: routeOf().metadata.uid! },
    },
    status: {
      phase: "Held",
      holder: { pod: holder, podUID: `uid-${holder}`, node: "node-1", zone: "us-central1-a", instance: "vm-node-1" },
      lastMove: { generation: 1, cause: "NewerPod", finishedAt: at, durations: {} },
    },
  });

  it("annotations of stability never leave an address without a Pod that could have it, and each wrong one is told once", () => {
    const now = Date.UTC(2026, 0, 1, 12);
    const nodes = [nodeOf("node-1"), nodeOf("node-2", { cordoned: true })];
    const pods = [podOf("pod-1", 1), podOf("pod-2", 2, { node: "node-2", labels: { component: "proxy", tier: "gold" } })];
    check(
      0.12,
      fc.record({
        own: annotations,
        gateway: annotations,
        holder: fc.constantFrom("pod-1", "pod-2", "gone"),
        at: fc.oneof(text, fc.constant("2026-01-01T11:59:30Z")),
      }),
      (c) => {
        const w = world({ pods, nodes, gateways: [gatewayOf({ metadata: { annotations: c.gateway } })] });
        const route = routeOf({ metadata: { annotations: c.own } });
        const s = select(w, route, NETWORK, stabilityOf(w, route, [binding(c.holder, c.at)], now));
        expect(["pod-1", "pod-2"]).to.include(s.selected?.name);
        expect(s.verdicts.filter((v) => v.reason === "Selected").length).to.equal(1);
        const told = stabilityFindings(c.own).map((f) => f.path);
        expect(new Set(told).size).to.equal(told.length);
        stabilityPolicy(c.own, c.gateway);
      },
    );
  });

  it("annotations of stability of one route are nothing to another", () => {
    const now = Date.UTC(2026, 0, 1, 12);
    const [good, pods] = [routeOf(), [podOf("pod-1", 1), podOf("pod-2", 2)]];
    const decide = (routes: ReturnType<typeof routeOf>[]): unknown => {
      const w = world({ pods, routes });
      return select(w, good, NETWORK, stabilityOf(w, good, [binding("pod-1", "2026-01-01T11:00:00Z")], now));
    };
    const before = decide([good]);
    check(0.03, annotations, (odd) => {
      expect(decide([routeOf({ metadata: { name: "odd", annotations: odd } }), good])).to.deep.equal(before);
    });
  });
});
