// SPDX-License-Identifier: Apache-2.0
// Reserving addresses: external, internal and BYOIP.
import { asText } from "../text";
import { expect } from "chai";
import type { Emulator } from "../index";
import { startEmulator } from "../index";
import type { TestClient } from "../test-client";
import { testClient } from "../test-client";

const R = "regions/us-central1";

describe("addresses", () => {
  let emulator: Emulator;
  let client: TestClient;

  beforeEach(async () => {
    emulator = await startEmulator({ project: "p1", operationLatencyMs: 0 });
    client = testClient(emulator);
    await client.mutate("POST", "global/networks", { name: "blue-vpc", autoCreateSubnetworks: false });
    const blue = { name: "blue", network: "global/networks/blue-vpc", ipCidrRange: "10.1.0.0/29" };
    await client.mutate("POST", `${R}/subnetworks`, blue);
  });
  afterEach(() => emulator.close());

  it("are EXTERNAL and PREMIUM by default, from the documented range", async () => {
    await client.mutate("POST", `${R}/addresses`, { name: "a" });
    await client.mutate("POST", `${R}/addresses`, { name: "b" });
    const a = await client.get(`${R}/addresses/a`);
    expect(a).to.include({
      addressType: "EXTERNAL",
      networkTier: "PREMIUM",
      status: "RESERVED",
      address: "198.18.0.1",
      kind: "compute#address",
    });
    expect(a).to.not.have.any.keys("users", "subnetwork", "network");
    expect((await client.get(`${R}/addresses/b`)).address).to.equal("198.18.0.2");
    expect((await client.get(`${R}/addresses/${asText(a.id)}`)).name).to.equal("a");
  });

  it("may be asked for by literal, once (SEED-28)", async () => {
    await client.mutate("POST", `${R}/addresses`, { name: "web", address: "34.123.10.1" });
    const again = await client.call("POST", `${R}/addresses`, { name: "web2", address: "34.123.10.1" });
    expect([again.status, again.reason]).to.deep.equal([400, "invalid"]);
    expect(again.message).to.match(/'resource\.address': '34\.123\.10\.1'.*already reserved/);
    const elsewhere = await client.call("POST", "regions/us-east1/addresses", { name: "web", address: "34.123.10.1" });
    expect(elsewhere.reason).to.equal("invalid");
    const name = await client.call("POST", `${R}/addresses`, { name: "web" });
    expect([name.status, name.reason]).to.deep.equal([409, "alreadyExists"]);
  });

  it("that are internal lie in their subnetwork, and skip what Google keeps", async () => {
    await client.mutate("POST", `${R}/addresses`, { name: "i", addressType: "INTERNAL", subnetwork: `${R}/subnetworks/blue` });
    const made = await client.get(`${R}/addresses/i`);
    expect(made).to.include({ address: "10.1.0.2", purpose: "GCE_ENDPOINT", addressType: "INTERNAL", networkTier: "PREMIUM" });
    expect(made.subnetwork).to.match(
      /^https:\/\/www\.googleapis\.com\/compute\/v1\/projects\/p1\/regions\/us-central1\/subnetworks\/blue$/,
    );
    expect(made).to.not.have.property("network");
    const more = ["j", "k", "l"].map((name) => ({ name, addressType: "INTERNAL", subnetwork: `${R}/subnetworks/blue` }));
    for (const body of more) await client.mutate("POST", `${R}/addresses`, body);
    const full = await client.call("POST", `${R}/addresses`, { ...more[0], name: "m" });
    expect(full.message).to.contain("exhausted");
  });

  const refused: [string, object, string, RegExp][] = [
    ["no name", {}, "required", /resource\.name/],
    ["a bad name", { name: "Web" }, "invalid", /resource\.name': 'Web'/],
    ["a private literal as external", { name: "x", address: "10.1.0.5" }, "invalid", /not an external address/],
    ["a literal that is no address (E28)", { name: "x", address: "34.123.10.1/32" }, "invalid", /IPv4 address/],
    ["internal without subnetwork", { name: "x", addressType: "INTERNAL" }, "required", /resource\.subnetwork/],
    [
      "internal outside its subnetwork (SEED-36)",
      { name: "x", addressType: "INTERNAL", subnetwork: `${R}/subnetworks/blue`, address: "10.1.0.99" },
      "invalid",
      /within the range 10\.1\.0\.0\/29/,
    ],
    [
      "internal with a tier",
      { name: "x", addressType: "INTERNAL", subnetwork: `${R}/subnetworks/blue`, networkTier: "PREMIUM" },
      "invalid",
      /networkTier/,
    ],
    [
      "a subnetwork of another region",
      { name: "x", addressType: "INTERNAL", subnetwork: "regions/us-east1/subnetworks/default" },
      "invalid",
      /region us-central1/,
    ],
    [
      "a subnetwork that is not there",
      { name: "x", addressType: "INTERNAL", subnetwork: `${R}/subnetworks/none` },
      "notFound",
      /subnetworks\/none/,
    ],
    ["an unknown tier", { name: "x", networkTier: "GOLD" }, "invalid", /PREMIUM, STANDARD/],
    ["a bad label", { name: "x", labels: { Owner: "x" } }, "invalid", /resource\.labels/],
  ];
  for (const [what, body, reason, message] of refused) {
    it(`refuse ${what} and make nothing`, async () => {
      const answer = await client.call("POST", `${R}/addresses`, body);
      expect(answer.reason).to.equal(reason);
      expect(answer.message).to.match(message);
      expect(emulator.list("addresses")).to.deep.equal([]);
    });
  }

  it("change their labels only with the current fingerprint (412)", async () => {
    await client.mutate("POST", `${R}/addresses`, { name: "a" });
    const { labelFingerprint } = await client.get(`${R}/addresses/a`);
    await client.mutate("POST", `${R}/addresses/a/setLabels`, { labels: { owner: "x" }, labelFingerprint });
    const stale = await client.call("POST", `${R}/addresses/a/setLabels`, { labels: { owner: "y" }, labelFingerprint });
    expect([stale.status, stale.reason]).to.deep.equal([412, "conditionNotMet"]);
    expect((await client.get(`${R}/addresses/a`)).labels).to.deep.equal({ owner: "x" });
  });

  it("come from a delegated prefix only while it is announced (E35)", async () => {
    await client.mutate("POST", "global/publicAdvertisedPrefixes", {
      name: "pap",
      ipCidrRange: "203.0.112.0/23",
      pdpScope: "REGIONAL",
    });
    const lonely = await client.call("POST", `${R}/addresses`, { name: "x", address: "203.0.113.7" });
    expect(lonely.message).to.contain("delegates no range");
    const pdp = { name: "pdp", ipCidrRange: "203.0.113.0/28", parentPrefix: "global/publicAdvertisedPrefixes/pap" };
    await client.mutate("POST", `${R}/publicDelegatedPrefixes`, pdp);
    const early = await client.call("POST", `${R}/addresses`, { name: "x", address: "203.0.113.7" });
    expect(early.message).to.contain("READY_TO_ANNOUNCE");
    await client.mutate("POST", `${R}/publicDelegatedPrefixes/pdp/announce`);
    await client.mutate("POST", `${R}/addresses`, { name: "x", address: "203.0.113.7" });
    await client.mutate("POST", `${R}/addresses`, { name: "y", ipCollection: `${R}/publicDelegatedPrefixes/pdp` });
    expect((await client.get(`${R}/addresses/y`)).address).to.equal("203.0.113.0");
    const gone = await client.call("DELETE", `${R}/publicDelegatedPrefixes/pdp`);
    expect(gone.reason).to.equal("resourceInUseByAnotherResource");
    await client.mutate("POST", `${R}/publicDelegatedPrefixes/pdp/withdraw`);
    const withdrawn = await client.call("POST", `${R}/addresses`, {
      name: "z",
      ipCollection: `${R}/publicDelegatedPrefixes/pdp`,
    });
    expect(withdrawn.reason).to.equal("invalid");
  });
});
