// SPDX-License-Identifier: Apache-2.0
// The likeliest mistakes in manifests: each gets one message with the field, the value and the remedy, and nothing is made in Google Cloud.
import { expect } from "chai";
import { eventually } from "../support/clients";
import { condition, reserve, untilRoute, useSandbox, type Sandbox } from "../support/sandbox";
import { gateway, route } from "../support/workloads";

const NS = "mistakes";
const GOOD = "34.123.70.1";
type Spec = Record<string, unknown>;
const manifest = (name: string, change: (spec: Spec) => void): object => {
  const made = route(NS, name, { addresses: [GOOD], selector: { component: "proxy" } }) as { spec: Spec };
  change(made.spec);
  return made;
};
const address = (value: string): object[] => [{ value, type: "gke.networking.io/cidr" }];

/** What the controller says in Accepted. */
const SAID: [title: string, name: string, change: (spec: Spec) => void, reason: string, words: RegExp[]][] = [
  [
    "E28 A1: a number over 255",
    "octet",
    (s) => (s["addresses"] = address("34.123.70.300/32")),
    "InvalidAddresses",
    [/spec\.addresses\[0\]\.value/, /34\.123\.70\.300/, /255/],
  ],
  [
    "E28 SEED-12: an IPv6 address",
    "ipv6",
    (s) => (s["addresses"] = address("2001:db8::1/128")),
    "InvalidAddresses",
    [/spec\.addresses\[0\]\.value/, /2001:db8::1/, /IPv4/],
  ],
  [
    "E28 SEED-58: a range",
    "range",
    (s) => (s["addresses"] = address("34.123.70.0/24")),
    "InvalidAddresses",
    [/spec\.addresses\[0\]\.value/, /34\.123\.70\.0\/24/, /\/32/],
  ],
  [
    "E27: an address that the Gateway does not list",
    "unlisted",
    (s) => (s["addresses"] = address("34.123.70.99/32")),
    "InvalidAddresses",
    [/34\.123\.70\.99/, /mistakes\/gw/, /spec\.addresses/],
  ],
  [
    "E30: seventeen addresses",
    "seventeen",
    (s) => (s["addresses"] = Array.from({ length: 17 }, (_, i) => address(`34.123.71.${i + 1}/32`)[0])),
    "InvalidAddresses",
    [/spec\.addresses/, /17/, /16/],
  ],
  [
    "E13 S9: an empty selector",
    "empty",
    (s) => (s["podSelector"] = {}),
    "InvalidLabels",
    [/spec\.podSelector/, /every Pod/, /label/],
  ],
  [
    "E14: an operator that does not exist",
    "operator",
    (s) => (s["podSelector"] = { matchExpressions: [{ key: "app", operator: "Equals", values: ["web"] }] }),
    "InvalidLabels",
    [/spec\.podSelector\.matchExpressions\[0\]\.operator/, /Equals/, /In, NotIn, Exists/],
  ],
  [
    "E36 A9: a Gateway that does not exist",
    "gateway",
    (s) => (s["parentRefs"] = [{ name: "gatway" }]),
    "GatewayNotFound",
    [/mistakes\/gatway/, /spec\.parentRefs/],
  ],
  [
    "api.md 6.4: a listener that does not exist",
    "section",
    (s) => (s["parentRefs"] = [{ name: "gw", sectionName: "tls" }]),
    "Unattachable",
    [/mistakes\/gw/, /tls/, /sectionName/],
  ],
  [
    "E46 SEED-53: a Network that does not exist",
    "network",
    (s) => (s["network"] = "blue-netwrok"),
    "NetworkNotFound",
    [/blue-netwrok/, /spec\.network/],
  ],
];

/** What the API server refuses by our CRD, before anything exists. */
const REFUSED: [title: string, name: string, change: (spec: Spec) => void, words: RegExp[]][] = [
  [
    "SEED-62: a reaction mode that does not exist",
    "mode",
    (s) => (s["reactionMode"] = "Always"),
    [/spec\.reactionMode/, /Always/, /ReadyCondition/],
  ],
  ["SEED-57: no address at all", "none", (s) => (s["addresses"] = []), [/spec\.addresses/, /at least 1/]],
  ["SEED-59: no selector", "selectorless", (s) => delete s["podSelector"], [/spec\.podSelector/, /[Rr]equired/]],
];

describe("wrong manifests", function () {
  this.timeout(60_000);
  const sandbox = useSandbox();
  let rules: string[] = [];
  const rulesNow = (s: Sandbox): string[] =>
    s.world.emulator
      .list("forwardingRules")
      .map((r) => r.name)
      .sort();

  before(async () => {
    const s = sandbox();
    await reserve(s, "mistakes", GOOD);
    await s.kubectl(["create", "namespace", NS]);
    await s.kubectl(["apply", "-f", "-"], gateway(NS, "gw", [GOOD]));
    rules = rulesNow(s);
  });
  after(() => {
    const s = sandbox();
    if (s) expect(rulesNow(s)).to.deep.equal(rules);
  });

  for (const [title, name, change, reason, words] of SAID)
    it(`${title}: Accepted is False, ${reason}, and says where and what`, async () => {
      const s = sandbox();
      await s.kubectl(["apply", "-f", "-"], manifest(name, change));
      const seen = await untilRoute(s, NS, name, { type: "Accepted", status: "False", reason });
      const message = condition(seen, "Accepted")?.message ?? "";
      for (const word of words) expect(message).to.match(word);
      expect(condition(seen, "Ready")).to.include({ status: "False", reason });
      await s.kubectl(["delete", "gkeiproute", name, "-n", NS, "--timeout=20s"]);
    });

  for (const [title, name, change, words] of REFUSED)
    it(`${title}: kubectl apply is refused, and nothing is stored`, async () => {
      const s = sandbox();
      const ran = await s.kubectlRan(["apply", "-f", "-"], manifest(name, change));
      expect(ran.code).to.equal(1);
      for (const word of words) expect(ran.stderr).to.match(word);
      expect((await s.kubectlRan(["get", "gkeiproute", name, "-n", NS])).code).to.equal(1);
    });

  it("SEED-56 SEED-64 SEED-65 E44: an edit of an immutable field is refused by name, and the route stays as it was", async () => {
    const s = sandbox();
    await s.kubectl(
      ["apply", "-f", "-"],
      manifest("fixed", () => undefined),
    );
    for (const [field, change] of [
      ["network", { network: "other" }],
      ["reactionMode", { reactionMode: "Exists" }],
      ["parentRefs", { parentRefs: [{ name: "other" }] }],
    ] as const) {
      const ran = await s.kubectlRan([
        "patch",
        "gkeiproute",
        "fixed",
        "-n",
        NS,
        "--type=merge",
        "-p",
        JSON.stringify({ spec: change }),
      ]);
      expect(ran.code, field).to.equal(1);
      expect(ran.stderr).to.contain(`${field} is immutable`);
    }
    expect((await s.route(NS, "fixed")).spec.network).to.equal("blue-network");
    await s.kubectl(["delete", "gkeiproute", "fixed", "-n", NS, "--timeout=20s"]);
  });

  it("E31 SEED-27: an address that nobody reserved: the Gateway says AddressNotUsable with the command that reserves it", async () => {
    const s = sandbox();
    await s.kubectl(["apply", "-f", "-"], gateway(NS, "unreserved", ["34.123.72.1"]));
    await eventually(async () => {
      const said = condition(await s.gateway(NS, "unreserved"), "Programmed");
      expect(said).to.include({ status: "False", reason: "AddressNotUsable" });
      expect(said?.message)
        .to.contain("34.123.72.1")
        .and.to.contain("gcloud compute addresses create")
        .and.to.contain("us-central1");
    });
    await s.kubectl(["delete", "gateway", "unreserved", "-n", NS]);
  });

  it("E31 SEED-30 SEED-31: an address of another region: both regions are in the message", async () => {
    const s = sandbox();
    await s.gcloud(["compute", "addresses", "create", "elsewhere", "--region", "us-east1", "--addresses", "34.123.73.1"]);
    await s.kubectl(["apply", "-f", "-"], gateway(NS, "elsewhere", ["34.123.73.1"]));
    await eventually(async () => {
      const said = condition(await s.gateway(NS, "elsewhere"), "Programmed");
      expect(said?.message).to.contain("us-east1").and.to.contain("us-central1").and.to.contain("elsewhere");
    });
    await s.kubectl(["delete", "gateway", "elsewhere", "-n", NS]);
  });

  it("api.md 6.4: a listener from Selector without a selector allows nobody and is named", async () => {
    const s = sandbox();
    await s.kubectl(["apply", "-f", "-"], gateway(NS, "noselector", [GOOD], { namespaces: { from: "Selector" } }));
    await eventually(async () => {
      const said = condition(await s.gateway(NS, "noselector"), "Accepted");
      expect(said).to.include({ status: "False", reason: "ListenersNotValid" });
      expect(said?.message).to.contain("spec.listeners[0].allowedRoutes.namespaces.selector");
    });
    await s.kubectl(["delete", "gateway", "noselector", "-n", NS]);
  });
});
