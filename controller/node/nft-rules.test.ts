// SPDX-License-Identifier: Apache-2.0
// nftables as data: what is wanted, what differs from it, what others have. Listings are in the form of nft 1.0.6.
import { expect } from "chai";
import { dropsAt, foreignChains, forwardScript, hasMark, hasRules, MARK, tableOf, tableScript, type NftWish } from "./nft-rules";

const wish: NftWish = {
  addresses: ["34.123.10.2", "34.123.10.1", "34.123.10.1"],
  own: [
    { veth: "lxc-a", address: "34.123.10.1" },
    { veth: "lxc-a", address: "34.123.10.1" },
  ],
  nics: ["nic1"],
  antiSpoof: true,
  keepSource: true,
};
type Json = { [key: string]: unknown };
/** As nft lists what it was given: with handles, chains and rules mixed, rules counted. */
function listed(objects: readonly Json[], packets = 7): { nftables: Json[] } {
  const withHandles = objects.map((o, i) => {
    const [[kind, body] = ["", {}]] = Object.entries(o);
    return { [kind]: { ...(body as Json), handle: i + 1 } };
  });
  const text = JSON.stringify(withHandles).replaceAll('"packets":0', `"packets":${packets}`);
  const all = JSON.parse(text) as Json[];
  const chains = all.filter((o) => "chain" in o);
  return { nftables: [{ metainfo: { version: "1.0.6" } }, ...all.filter((o) => !("chain" in o)), ...chains] };
}
const kinds = (objects: readonly Json[]): string[] => objects.map((o) => Object.keys(o)[0]!);
const chain = (over: Json): Json => ({
  chain: { family: "ip", table: "filter", name: "FORWARD", type: "filter", hook: "forward", prio: 0, policy: "drop", ...over },
});
const FORWARD = { family: "ip", table: "filter", chain: "FORWARD" };
/** A chain with the rules that the scripts would have put there. */
function withOurs(addresses: readonly string[], more: readonly Json[] = []): { nftables: Json[] } {
  const ours = forwardScript({ nftables: [] }, FORWARD, addresses).map((c) => c.insert as Json);
  return listed([chain({}), ...ours, ...more]);
}

describe("nft rules", () => {
  describe("our own table", () => {
    it("is not wanted without addresses or without a reason, and has only the parts that are asked for", () => {
      expect(tableOf({ ...wish, addresses: [] })).to.deep.equal([]);
      expect(tableOf({ ...wish, antiSpoof: false, keepSource: false })).to.deep.equal([]);
      expect(kinds(tableOf({ ...wish, antiSpoof: false }))).to.deep.equal(["table", "set", "chain", "rule", "rule"]);
      expect(kinds(tableOf({ ...wish, keepSource: false }))).to.deep.equal([
        ...["table", "set", "set", "chain"],
        ...["rule", "rule", "rule"],
      ]);
    });
    it("lets a NIC and the owner send before it drops", () => {
      const verdicts = tableOf({ ...wish, keepSource: false })
        .filter((o) => "rule" in o)
        .map((o) => Object.keys(((o.rule as Json).expr as Json[]).at(-1)!)[0]);
      expect(verdicts).to.deep.equal(["accept", "accept", "drop"]);
    });
    it("changes nothing where it is listed as it was given, whatever was counted and in whatever order chains and elements come", () => {
      const have = listed(tableOf(wish));
      expect(tableScript(have, wish)).to.equal(undefined);
      const set = have.nftables.find((o) => (o.set as Json | undefined)?.name === "addresses")!.set as Json;
      set.elem = (set.elem as unknown[]).slice().reverse();
      expect(tableScript(have, wish)).to.equal(undefined);
      expect(tableScript(undefined, { ...wish, addresses: [] })).to.equal(undefined);
    });
    it("is made anew in one transaction where a rule, an element or a chain's policy is not as wanted, or rules have another order", () => {
      const spoilers: ((objects: Json[]) => Json[])[] = [
        (o) => o.filter((x) => !("rule" in x)),
        (o) => o.map((x) => ((x.set as Json | undefined)?.name === "own" ? { set: { ...(x.set as Json), elem: [] } } : x)),
        (o) => o.map((x) => ("chain" in x ? { chain: { ...(x.chain as Json), policy: "drop" } } : x)),
        (o) => [...o].reverse(),
      ];
      for (const [i, spoil] of spoilers.entries()) {
        const script = tableScript(listed(spoil(tableOf(wish))), wish)!;
        expect(
          script.slice(0, 2).map((c) => Object.keys(c)[0]),
          String(i),
        ).to.deep.equal(["add", "delete"]);
        expect(script.slice(2).map((c) => c.add)).to.deep.equal(tableOf(wish));
      }
    });
    it("goes whole where it is wanted no more", () => {
      const script = tableScript(listed(tableOf(wish)), { ...wish, addresses: [] })!;
      expect(kinds(script)).to.deep.equal(["add", "delete"]);
    });
  });

  describe("chains of others", () => {
    it("are told apart by hook, type, family and policy; ours is none of them", () => {
      const found = foreignChains({
        nftables: [
          { metainfo: {} },
          chain({}),
          chain({ family: "inet", table: "fw", policy: "accept" }),
          chain({ family: "ip6" }),
          chain({ table: "nat", name: "POSTROUTING", type: "nat", hook: "postrouting", policy: "accept" }),
          chain({ table: "mangle", name: "POSTROUTING", hook: "postrouting" }),
          chain({ family: "netdev", table: "cni", name: "c", hook: "ingress" }),
          chain({ table: "gkepip", name: "keep", type: "nat", hook: "postrouting" }),
          { chain: { family: "ip", table: "filter", name: "DOCKER" } },
        ],
      });
      expect(found).to.deep.equal({
        dropping: [FORWARD],
        accepting: [{ family: "inet", table: "fw", chain: "FORWARD" }],
        translating: [{ family: "ip", table: "nat", chain: "POSTROUTING" }],
        ingress: [{ family: "netdev", table: "cni", chain: "c" }],
      });
      expect(foreignChains(undefined).dropping).to.deep.equal([]);
    });
    it("drop at the ingress of the interfaces that their text names", () => {
      const text = (hook: string, rule: string): string =>
        `table netdev cni { chain c { type filter hook ingress ${hook} priority 0; ${rule} } }`;
      expect(dropsAt(text('device "lxc-a"', "ip saddr != 10.0.0.1 drop"))).to.deep.equal(["lxc-a"]);
      expect(dropsAt(text('devices = { "lxc-a", lxc-b }', "drop"))).to.deep.equal(["lxc-a", "lxc-b"]);
      expect(dropsAt(text("device lxc-a", "accept"))).to.deep.equal([]);
    });
    it("have rules or not, and ours among them or not", () => {
      expect(hasRules(listed([chain({})]))).to.equal(false);
      expect(hasMark(listed([chain({}), { rule: { ...FORWARD, comment: "somebody", expr: [] } }]))).to.equal(false);
      expect(hasMark(withOurs(["34.123.10.1"]))).to.equal(true);
      expect(hasMark(undefined)).to.equal(false);
    });
  });

  describe("a FORWARD chain that drops", () => {
    it("gets two marked rules on top for each address, and then nothing more", () => {
      const script = forwardScript(listed([chain({})]), FORWARD, ["34.123.10.1"]);
      expect(script.map((c) => Object.keys(c)[0])).to.deep.equal(["insert", "insert"]);
      for (const c of script) expect((c.insert as { rule: Json }).rule).to.include({ ...FORWARD, comment: MARK });
      expect(forwardScript(withOurs(["34.123.10.1"]), FORWARD, ["34.123.10.1"])).to.deep.equal([]);
    });
    it("loses what is stale or double of ours by its handle, and nothing of others", () => {
      const theirs = { rule: { ...FORWARD, comment: "somebody", expr: [{ accept: null }] } };
      const have = withOurs(["34.123.10.1", "34.123.10.2"], [theirs]);
      const script = forwardScript(have, FORWARD, ["34.123.10.2"]);
      expect(script.map((c) => (c.delete as { rule: Json }).rule.handle)).to.deep.equal([2, 3]);
      const double = { nftables: [...have.nftables, ...withOurs(["34.123.10.2"]).nftables.filter((o) => "rule" in o)] };
      expect(forwardScript(double, FORWARD, ["34.123.10.1", "34.123.10.2"])).to.have.length(2);
      expect(forwardScript(have, FORWARD, []).every((c) => "delete" in c)).to.equal(true);
      expect(forwardScript(have, FORWARD, [])).to.have.length(4);
    });
  });
});
