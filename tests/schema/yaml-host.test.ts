// SPDX-License-Identifier: Apache-2.0
// The stand-in for Pulumi YAML does what the examples need of it, and refuses what the schema does not have.
import { expect } from "chai";
import { readFileSync } from "node:fs";
import { SCHEMA_FILE } from "../../scripts/schema";
import type { PackageSchema } from "../../scripts/schema-types";
import { evaluate, unknownProperties } from "./hosts/yaml";

const TOKEN = "gke-persistent-ip:index:PersistentPodIps";

describe("YAML host of the tests", () => {
  const scope = new Map<string, unknown>([
    ["region", "europe-west3"],
    ["set", { addresses: { web: "34.1.2.3" } }],
  ]);
  const schema = JSON.parse(readFileSync(SCHEMA_FILE, "utf8")) as PackageSchema;

  it("replaces references, whole ones with their type", () => {
    expect(evaluate({ a: ["${region}"], b: "${set.addresses}", c: 3, d: "plain" }, scope)).to.deep.equal({
      a: ["europe-west3"],
      b: { web: "34.1.2.3" },
      c: 3,
      d: "plain",
    });
  });
  it("names a reference to nothing", () => {
    expect(() => evaluate("${zone}", scope)).to.throw("${zone}: there is no zone");
  });
  it("finds properties that the schema does not have, at any depth", () => {
    const properties = {
      region: "x",
      reigon: "x",
      addresses: { web: { teir: "PREMIUM", tier: "PREMIUM" } },
      routes: { web: { addresses: ["web"], podSelector: { matchLabels: { anything: "goes" } } } },
      cluster: { existing: { nmae: "prod" } },
    };
    expect(unknownProperties(schema, TOKEN, properties)).to.deep.equal([
      "properties.reigon",
      "properties.addresses.web.teir",
      "properties.cluster.existing.nmae",
    ]);
    expect(unknownProperties(schema, "gke-persistent-ip:index:Nothing", {})).to.deep.equal(["gke-persistent-ip:index:Nothing"]);
  });
});
