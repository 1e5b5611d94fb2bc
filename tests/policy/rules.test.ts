// SPDX-License-Identifier: Apache-2.0
// Each rule of the policy pack on plans that break it and on plans that do not.
import { expect } from "chai";
import * as rules from "../../policy/rules";
import { TYPES, type Planned } from "../../policy/rules";

const OURS = "urn:pulumi:dev::p::gke-persistent-ip:index:PersistentPodIps$gke-persistent-ip:index:AddressSet$";

function planned(type: string, props: Record<string, unknown>, more: Partial<Planned> = {}): Planned {
  const name = more.name ?? "x";
  return { type, urn: `${OURS}${type}::${name}`, name, props, protect: true, ...more };
}
const address = (props: Record<string, unknown>, more?: Partial<Planned>): Planned => planned(TYPES.address, props, more);
const listing = (name: string, addresses: string[], more: object = {}): Record<string, unknown> => ({
  metadata: { name, namespace: "shop" },
  spec: { addresses: addresses.map((value) => ({ value })), ...more },
});
const route = (name: string, addresses: string[], more?: object): Planned =>
  planned(TYPES.route, listing(name, addresses, more), { name });
const gateway = (addresses: string[]): Planned => planned(TYPES.gateway, listing("gw", addresses));
const messages = (found: rules.Finding[]): string[] => found.map((f) => f.message);

describe("policy: reserved addresses are protected", () => {
  it("an unprotected address of ours is named by its value", () => {
    const [message] = rules.reservedAddressProtected(address({ address: "34.1.2.3" }, { protect: false }));
    expect(message).to.match(/^address 34\.1\.2\.3 is not protected/);
  });
  it("a protected one, another resource, and an address that no component of ours made are fine", () => {
    expect(rules.reservedAddressProtected(address({}))).to.deep.equal([]);
    expect(rules.reservedAddressProtected(planned(TYPES.cluster, {}, { protect: false }))).to.deep.equal([]);
    const foreign = { protect: false, urn: `urn:pulumi:dev::p::${TYPES.address}::vpn` };
    expect(rules.reservedAddressProtected(address({}, foreign))).to.deep.equal([]);
  });
});

describe("policy: no empty selector (SEED-59)", () => {
  for (const selector of [{}, { matchLabels: {} }, { matchExpressions: [] }])
    it(`${JSON.stringify(selector)} is refused`, () => {
      const [message] = rules.noEmptySelector(route("web", [], { podSelector: selector }));
      expect(message).to.match(/^route shop\/web has an empty podSelector/);
    });
  for (const selector of [{ matchLabels: { a: "b" } }, { matchExpressions: [{ key: "a", operator: "Exists" }] }])
    it(`${JSON.stringify(selector)} is fine`, () => {
      expect(rules.noEmptySelector(route("web", [], { podSelector: selector }))).to.deep.equal([]);
    });
  it("one that is not known yet is not judged", () => {
    expect(rules.noEmptySelector(route("web", []))).to.deep.equal([]);
  });
});

describe("policy: one route an address", () => {
  it("the second route is told of the first, with and without /32", () => {
    const both = [route("a", ["34.1.2.3"]), route("b", ["34.1.2.4", "34.1.2.3/32"])];
    const found = rules.oneRoutePerAddress(both);
    expect(rules.oneRoutePerAddress(both.reverse()), "in any order").to.deep.equal(found);
    expect(messages(found)).to.deep.equal([
      "route shop/b wants 34.1.2.3 and shares it with route shop/a; an address has one route",
    ]);
    expect(found[0]!.urn).to.match(/::b$/);
  });
  it("an address twice in one route is said as such", () => {
    expect(messages(rules.oneRoutePerAddress([route("a", ["34.1.2.3", "34.1.2.3"])]))).to.deep.equal([
      "route shop/a wants 34.1.2.3 and lists it twice; an address has one route",
    ]);
  });
  it("different addresses, unknown ones and a Gateway that lists them are fine", () => {
    const unknown = planned(TYPES.route, { spec: {} });
    expect(
      rules.oneRoutePerAddress([route("a", ["34.1.2.3"]), route("b", ["34.1.2.4"]), unknown, unknown, gateway(["34.1.2.3"])]),
    ).to.deep.equal([]);
  });
});

describe("policy: addresses are in the cluster's region (SEED-31)", () => {
  const cluster = (location: string): Planned => planned(TYPES.cluster, { location });
  it("an address of another region is refused, for zonal clusters and regions given as links too", () => {
    const far = address({ region: "https://compute/projects/p/regions/us-east1" }, { name: "web" });
    expect(messages(rules.addressesInRegionOfCluster([cluster("europe-west3-a"), far]))).to.deep.equal([
      "address web is in us-east1, the cluster in europe-west3",
    ]);
  });
  it("one of the same region is fine, and without a cluster in the stack nothing can be said", () => {
    expect(rules.addressesInRegionOfCluster([cluster("europe-west3"), address({ region: "europe-west3" })])).to.deep.equal([]);
    expect(rules.addressesInRegionOfCluster([address({ region: "europe-west3" })])).to.deep.equal([]);
  });
});

describe("policy: one network tier a Gateway (E31)", () => {
  const tiered = (ip: string, networkTier: string, addressType = "EXTERNAL"): Planned =>
    address({ address: ip, networkTier, addressType });
  it("two tiers in one Gateway are named", () => {
    const found = rules.oneTierPerGateway([
      tiered("1.1.1.1", "PREMIUM"),
      tiered("2.2.2.2", "STANDARD"),
      gateway(["1.1.1.1", "2.2.2.2/32"]),
    ]);
    expect(messages(found)).to.deep.equal(["Gateway shop/gw mixes addresses of network tiers PREMIUM and STANDARD"]);
  });
  it("one tier, and internal addresses, are fine", () => {
    expect(rules.oneTierPerGateway([tiered("1.1.1.1", "PREMIUM"), gateway(["1.1.1.1", "9.9.9.9"])])).to.deep.equal([]);
    const mixed = [tiered("1.1.1.1", "PREMIUM"), tiered("10.0.0.1", "STANDARD", "INTERNAL"), gateway(["1.1.1.1", "10.0.0.1"])];
    expect(rules.oneTierPerGateway(mixed)).to.deep.equal([]);
  });
});

describe("policy: no secrets in plain text", () => {
  const configMap = (data: object): Planned => planned("kubernetes:core/v1:ConfigMap", { data });
  // Put together here, so that no scanner takes this file for a leak.
  const key = ["-----BEGIN RSA", "PRIVATE KEY-----\nMIIE"].join(" ");
  const cases: [what: string, value: string][] = [
    ["a private key", key],
    ["a service account key", '{"type":"service_account","private_key_id":"ab"}'],
    ["an access token of Google Cloud", `ya29.${"a".repeat(30)}`],
    ["a bearer token of a kubeconfig", `users:\n- user:\n    token: ${"b".repeat(24)}`],
    ["a client key of a kubeconfig", "client-key-data: abc"],
  ];
  for (const [what, value] of cases)
    it(`${what} in a ConfigMap is named with its path`, () => {
      expect(rules.noPlainSecrets(configMap({ "app.conf": value }))).to.deep.equal([
        `data.app.conf holds ${what} in plain text; put it into a Kubernetes Secret`,
      ]);
    });
  it("deep inside of a Pod template too", () => {
    const containers = [{ env: [{ name: "KEY", value: key }] }];
    const [message] = rules.noPlainSecrets(
      planned("kubernetes:apps/v1:Deployment", { spec: { template: { spec: { containers } } } }),
    );
    expect(message).to.match(/^spec\.template\.spec\.containers\[0\]\.env\[0\]\.value holds a private key/);
  });
  it("in a Secret, in Secret Manager, in a provider's configuration, or where there is none, nothing is said", () => {
    expect(rules.noPlainSecrets(planned(TYPES.secret, { stringData: { k: key } }))).to.deep.equal([]);
    expect(rules.noPlainSecrets(planned("gcp:secretmanager/secretVersion:SecretVersion", { secretData: key }))).to.deep.equal([]);
    expect(
      rules.noPlainSecrets(planned("pulumi:providers:kubernetes", { kubeconfig: "token: " + "b".repeat(24) })),
    ).to.deep.equal([]);
    expect(
      rules.noPlainSecrets(configMap({ a: "token: short", n: 3, none: null, public: "-----BEGIN CERTIFICATE-----" })),
    ).to.deep.equal([]);
  });
});
