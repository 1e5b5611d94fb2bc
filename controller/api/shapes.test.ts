// SPDX-License-Identifier: Apache-2.0
// Any JSON is made to have the types that decisions rely on; what has them already is left as it is.
import { expect } from "chai";
import { fit, SHAPES } from "./shapes";

describe("The shape of custom resources", () => {
  it("leaves good objects as they are", () => {
    const conditions = [{ type: "Ready", status: "True", reason: "R", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" }];
    const addresses = [{ type: "gke.networking.io/cidr", value: "34.123.10.1/32" }];
    const listeners = [{ name: "a", port: 443, protocol: "none", allowedRoutes: { namespaces: { from: "All" } } }];
    const good = {
      route: {
        spec: { parentRefs: [{ name: "gw" }], addresses, podSelector: { matchLabels: { a: "b" } } },
        status: { conditions },
      },
      gateway: {
        metadata: { name: "gw" },
        spec: { gatewayClassName: "c", listeners, addresses },
        status: { addresses, conditions },
      },
      network: { spec: { type: "L3", parametersRef: { group: "g", kind: "k", name: "n" } }, status: { conditions } },
      paramSet: { spec: { vpc: "v", vpcSubnet: "s", podIPv4Ranges: { rangeNames: ["r"] } } },
    };
    for (const [kind, o] of Object.entries(good)) expect(fit(SHAPES[kind as "route"], o), kind).to.deep.equal(o);
  });
  it("leaves out what is of another type, and only that (invariant 6)", () => {
    const odd = {
      spec: { gatewayClassName: 5, listeners: [{ name: "a", port: "x" }, "b", { port: 1 }], addresses: { value: "c" } },
    };
    expect(fit(SHAPES.gateway, odd)).to.deep.equal({ spec: { listeners: [{ name: "a" }] } });
    expect(fit(SHAPES.route, { spec: { podSelector: [], addresses: [{ value: 1 }, { value: "1.2.3.4" }] } })).to.deep.equal({
      spec: { addresses: [{ value: "1.2.3.4" }] },
    });
  });
  it("keeps fields that it does not know, and any text: what a text says is for the rules", () => {
    const route = { spec: { reactionMode: "Never", newer: { field: 1 } }, more: true };
    expect(fit(SHAPES.route, route)).to.deep.equal(route);
  });
  it("takes null for no value", () => {
    expect(fit(SHAPES.network, { spec: null, status: null })).to.deep.equal({});
  });
});
