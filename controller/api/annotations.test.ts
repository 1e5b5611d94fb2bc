// SPDX-License-Identifier: Apache-2.0
// GKE's annotations are read without ever throwing.
import { expect } from "chai";
import * as fc from "fast-check";
import { interfaceOn, parseInterfaces, parseNorthInterfaces, parseProviderId, type PodInterface } from "./annotations";

const SEED = '[{"interfaceName":"eth0","network":"default"}, {"interfaceName":"eth1","network":"blue-network"}]';

describe("The Pod's interfaces", () => {
  it("reads the seed's annotation (SEED-72)", () => {
    expect(parseInterfaces(SEED)).to.deep.equal({
      ok: true,
      value: [
        { interfaceName: "eth0", network: "default" },
        { interfaceName: "eth1", network: "blue-network" },
      ],
    });
  });

  for (const text of [undefined, "", "[]"])
    it(`takes ${text === undefined ? "no annotation" : JSON.stringify(text)} as no interfaces`, () =>
      expect(parseInterfaces(text)).to.deep.equal({ ok: true, value: [] }));

  const malformed: [string, RegExp][] = [
    ["{", /annotation networking\.gke\.io\/interfaces is not JSON/],
    ["{}", /must be a JSON list of objects/],
    ["null", /must be a JSON list/],
    ['["eth1"]', /must be a JSON list/],
    ["[[]]", /must be a JSON list/],
    ['[{"network":"blue"}]', /interfaces\[0\]\.interfaceName must be a name/],
    ['[{"interfaceName":1,"network":"blue"}]', /interfaceName must be a name/],
    ['[{"interfaceName":"eth1"}]', /interfaces\[0\] must name exactly one of "network" and "interface"/],
    ['[{"interfaceName":"eth1","network":"a","interface":"b"}]', /exactly one of/],
    ['[{"interfaceName":"eth1","network":7}]', /exactly one of/],
  ];
  for (const [text, message] of malformed)
    it(`refuses ${text} with the place of the mistake (E22)`, () => {
      const parsed = parseInterfaces(text);
      expect(parsed.ok ? "" : parsed.message).to.match(message);
    });

  it("answers any text without throwing (E22)", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(parseInterfaces(text).ok).to.be.a("boolean");
        expect(parseNorthInterfaces(text)).to.be.an("array");
      }),
    );
  });

  const eth1: PodInterface = { interfaceName: "eth1", network: "blue" };
  const nic: PodInterface = { interfaceName: "eth2", interface: "nic-a" };
  const networkOf = (name: string): string | undefined => (name === "nic-a" ? "green" : undefined);
  const found: [title: string, interfaces: PodInterface[], network: string, expected: string | undefined][] = [
    ["by its network (SEED-65)", [eth1], "blue", "eth1"],
    ["through a NetworkInterface (E21)", [nic], "green", "eth2"],
    ["not by another network", [eth1, nic], "red", undefined],
    ["not by an unknown NetworkInterface (E21)", [{ interfaceName: "eth3", interface: "nic-b" }], "green", undefined],
    ["as eth0 on the primary network without saying so", [], "default", "eth0"],
    ["by the primary network's other name", [{ interfaceName: "net0", network: "pod-network" }], "default", "net0"],
    ["by no name for the primary network", [{ interfaceName: "net0", network: "default" }], "", "net0"],
  ];
  for (const [title, interfaces, network, expected] of found)
    it(`finds an interface ${title}`, () => expect(interfaceOn(interfaces, network, networkOf)).to.equal(expected));

  it("does not guess a NetworkInterface's network where nobody can tell (E21)", () =>
    expect(interfaceOn([nic], "green")).to.equal(undefined));
});

describe("The node's annotations", () => {
  it("keeps good entries of north-interfaces and leaves out malformed ones (E2, invariant 6)", () => {
    const text = '[{"network":"blue","ipAddress":"10.0.0.2"},{"network":"green"},{"ipAddress":"10.0.0.3"}]';
    expect(parseNorthInterfaces(text)).to.deep.equal([{ network: "blue", ipAddress: "10.0.0.2" }]);
    expect(parseNorthInterfaces("oops")).to.deep.equal([]);
    expect(parseNorthInterfaces(undefined)).to.deep.equal([]);
  });

  it("splits a provider id of Compute Engine and no other", () => {
    expect(parseProviderId("gce://demo/us-central1-a/vm-1")).to.deep.equal({
      project: "demo",
      zone: "us-central1-a",
      instance: "vm-1",
    });
    for (const text of [undefined, "", "kwok://node-1", "gce://demo/us-central1-a", "gce://a/b/c/d", "aws:///b/i-1"])
      expect(parseProviderId(text), String(text)).to.equal(undefined);
  });
});
