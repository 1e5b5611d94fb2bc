// SPDX-License-Identifier: Apache-2.0
// Every name that is made from input is valid where it is used, and two inputs never share one.
import { expect } from "chai";
import * as fc from "fast-check";
import * as names from "./names";

const RFC1035 = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const CLOUD_LABEL = /^[a-z0-9_-]{0,63}$/;
const CLOUD_LABEL_KEY = /^[a-z][a-z0-9_-]{0,62}$/;
const PROTOCOLS = ["TCP", "UDP", "ESP", "AH", "SCTP", "ICMP", "L3_DEFAULT"];
const any = fc.oneof(fc.string({ unit: "binary" }), fc.string(), fc.uuid());

describe("Names of cloud objects", () => {
  it("are RFC 1035 names for any cluster, binding, zone, VM and protocol (E66)", () => {
    fc.assert(
      fc.property(any, any, any, fc.constantFrom(undefined, ...PROTOCOLS), (cluster, a, b, protocol) => {
        expect(names.forwardingRuleName(cluster, a, protocol)).to.match(RFC1035);
        expect(names.targetInstanceName(cluster, a, b, protocol)).to.match(RFC1035);
      }),
    );
  });

  it("differ wherever an input differs, also where the inputs joined by a dash would be equal (E66)", () => {
    fc.assert(
      fc.property(fc.tuple(any, any, any), fc.tuple(any, any, any), (x, y) => {
        fc.pre(JSON.stringify(x) !== JSON.stringify(y));
        expect(names.targetInstanceName(...x)).to.not.equal(names.targetInstanceName(...y));
        if (x[0] !== y[0] || x[1] !== y[1])
          expect(names.forwardingRuleName(x[0], x[1])).to.not.equal(names.forwardingRuleName(y[0], y[1]));
      }),
    );
    expect(names.forwardingRuleName("c", "a-b/c")).to.not.equal(names.forwardingRuleName("c", "a/b-c"));
    expect(names.targetInstanceName("c", "z", "vm")).to.not.equal(names.targetInstanceName("c", "z", "vm", "blue"));
  });

  it("stay the same from run to run, since a rename would orphan what is there", () => {
    expect(names.forwardingRuleName("uid", "34-123-10-1")).to.equal("pip-fr-58ab504bb2999b663005");
    expect(names.targetInstanceName("uid", "z", "vm", "v")).to.match(/^pip-ti-[0-9a-f]{20}$/);
    expect(names.forwardingRuleName("uid", "b", "TCP")).to.equal(`${names.forwardingRuleName("uid", "b")}-tcp`);
    expect(new Set(PROTOCOLS.map((p) => names.forwardingRuleName("uid", "b", p))).size).to.equal(PROTOCOLS.length);
  });

  it("carry labels that Compute takes (E67)", () => {
    fc.assert(
      fc.property(fc.uuid(), fc.ipV4(), (cluster, address) => {
        for (const [key, value] of Object.entries(names.ruleLabels(cluster, address))) {
          expect(key).to.match(CLOUD_LABEL_KEY);
          expect(value).to.match(CLOUD_LABEL);
        }
      }),
    );
    expect(names.ruleLabels("c1", "34.123.10.1")).to.deep.equal({
      "managed-by": "gke-persistent-ip",
      "gke-persistent-ip-cluster": "c1",
      "gke-persistent-ip-address": "34-123-10-1",
    });
    expect(names.ownerPrefix("c1")).to.equal("gke-persistent-ip cluster=c1");
  });
});

describe("The AddressBinding's name", () => {
  it("is the address, and for internal ones the VPC too (DESIGN 3)", () => {
    expect(names.bindingName("34.123.10.1", "External", "ignored")).to.equal("34-123-10-1");
    expect(names.bindingName("10.0.0.5", "Internal", "blue-vpc")).to.equal("10-0-0-5.blue-vpc");
    expect(names.bindingName("10.0.0.5", "Internal")).to.equal("10-0-0-5.default");
  });

  it("is a valid object name for any VPC, and one name for one VPC (E66)", () => {
    fc.assert(
      fc.property(fc.ipV4(), any, any, (address, a, b) => {
        const [x, y] = [names.bindingName(address, "Internal", a), names.bindingName(address, "Internal", b)];
        expect(x).to.match(SUBDOMAIN);
        expect(x.length).to.be.lessThan(254);
        expect(x === y).to.equal(a === b);
      }),
    );
  });
});

describe("Names of classes and networks", () => {
  it("tell the scope of the seed's classes and of ours, and of no other (SEED-41, SEED-42)", () => {
    expect(names.scopeOfClass("gke-persistent-regional-external-managed")).to.equal("External");
    expect(names.scopeOfClass("gke-persistent-regional-internal-managed")).to.equal("Internal");
    expect(names.scopeOfClass("persistent-ip-regional-external")).to.equal("External");
    expect(names.scopeOfClass("persistent-ip-regional-internal")).to.equal("Internal");
    for (const other of ["", "gke-l7-global-external-managed", "gke-persistent-fast-regional-external-managed"])
      expect(names.scopeOfClass(other), other).to.equal(undefined);
  });

  it("know the primary network under its three names (SEED-6, api.md 5.1)", () => {
    expect(["", "default", "pod-network"].every(names.isDefaultNetwork)).to.equal(true);
    expect(names.isDefaultNetwork("blue-network")).to.equal(false);
  });
});
