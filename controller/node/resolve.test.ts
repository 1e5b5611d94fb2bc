// SPDX-License-Identifier: Apache-2.0
// From a wish to things of the node: what cannot be made out is said, and takes nothing away.
import { expect } from "chai";
import { parseIntent, type Intent } from "./intent";
import { podKey, resolve, type Surroundings } from "./resolve";
import type { Kernel } from "./types";

const kernel: Kernel = { routes: [], rules: [], links: [], neighs: [] };
const POD_A = { name: "pa", uid: "a", ip: "10.201.1.10" };
const POD_B = { name: "pb", uid: "b", ip: "10.201.1.11" };
const around = (...known: { name: string; uid: string; ip: string }[]): Surroundings => ({
  addresses: new Map(),
  pods: new Map(known.map((p) => [podKey("blue", p), { veth: `lxc-${p.name}` }])),
  before: new Map(),
});
const wish = (over: Partial<Intent["addresses"][number]>): Intent => ({
  networks: [{ name: "blue", nic: "nic1", gateway: "10.1.0.1" }],
  addresses: [{ address: "34.123.10.1", network: "blue", generation: 2, pod: POD_B, leaving: [POD_A], ...over }],
});
const old = { address: "34.123.10.1", network: "blue", veth: "lxc-pa", podIP: POD_A.ip };
const ahead = { address: "34.123.10.1", network: "blue", veth: "lxc-pb", podIP: POD_B.ip };

describe("A wish with a new Pod and one that is leaving", () => {
  it("serves the new one and lets the old one send", () => {
    const { desired, problems } = resolve(wish({}), kernel, around(POD_A, POD_B));
    expect(desired.owned).to.deep.equal([{ ...ahead, leaving: [{ veth: "lxc-pa", podIP: POD_A.ip }] }]);
    expect([...problems]).to.deep.equal([]);
  });
  it("stays with the old one while the new one is not known here, has no address yet, or is behind no interface, and says so", () => {
    const { ip: _, ...bare } = POD_B;
    for (const over of [{ problem: "Pod pb is not on this node" }, { pod: bare }, {}]) {
      const { desired, problems } = resolve(wish(over), kernel, around(POD_A));
      expect(desired.owned).to.deep.equal([old]);
      expect([...problems.values()][0]).to.match(/Pod pb/);
    }
  });
  it("does not mind where the old one is gone", () => {
    const { desired, problems } = resolve(wish({}), kernel, around(POD_B));
    expect(desired.owned).to.deep.equal([ahead]);
    expect([...problems]).to.deep.equal([]);
  });
  it("is read from a file too", () => {
    expect(parseIntent(JSON.stringify(wish({}))).addresses[0]!.leaving).to.deep.equal([POD_A]);
    expect(() => parseIntent(JSON.stringify(wish({ leaving: [{}] as never })))).to.throw("addresses[0].leaving[0].name");
  });
});
