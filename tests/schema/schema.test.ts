// SPDX-License-Identifier: Apache-2.0
// The checked-in schema is what the components say, can be said in every language, and serves what the package has.
import { expect } from "chai";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { PersistentIpProvider } from "../../provider/provider";
import { SCHEMA_FILE, schemaOf, textOf } from "../../scripts/schema";
import { gate } from "../../scripts/schema-gate";
import type { PackageSchema, PropertySpec, TypeSpec } from "../../scripts/schema-types";
import { ROOT } from "../../sandbox/demo";

const TOKEN = "gke-persistent-ip:index:";

describe("schema/schema.json", function () {
  this.timeout(60_000);
  const text = readFileSync(SCHEMA_FILE, "utf8");
  const kept = JSON.parse(text) as PackageSchema;
  const properties = (): [string, PropertySpec][] => [
    ...Object.entries(kept.types).flatMap(([t, s]) =>
      Object.entries(s.properties ?? {}).map(([p, v]): [string, PropertySpec] => [`${t}.${p}`, v]),
    ),
    ...Object.entries(kept.resources).flatMap(([t, r]) =>
      [...Object.entries(r.inputProperties), ...Object.entries(r.properties)].map(([p, v]): [string, PropertySpec] => [
        `${t}.${p}`,
        v,
      ]),
    ),
  ];

  it("is what the components' TypeScript says now (else: npx ts-node -T scripts/schema.ts)", () => {
    expect(textOf(schemaOf())).to.equal(text);
  });

  it("has all seven components, each served by the provider under the package's version", () => {
    const provider = new PersistentIpProvider();
    const { version } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")) as { version: string };
    expect(provider.version).to.equal(version);
    expect(Object.keys(kept.resources)).to.deep.equal(
      [
        "AddressSet",
        "MultiNetworkCluster",
        "PersistentPodIps",
        "PodIpController",
        "PodIpGateway",
        "PodIpRoute",
        "PodNetworks",
      ].map((c) => TOKEN + c),
    );
    const { version: plugin, dependencies } = JSON.parse(
      readFileSync(path.join(ROOT, "provider", "plugin", "package.json"), "utf8"),
    ) as { version: string; dependencies: Record<string, string> };
    expect([plugin, dependencies["pulumi-gke-persistent-ip"]]).to.deep.equal([version, version]);
    const policy = JSON.parse(readFileSync(path.join(ROOT, "policy", "package.json"), "utf8")) as { version: string };
    expect(policy.version).to.equal(version);
  });

  it("names no other package, so no SDK pins one, and refers only to types that are there", () => {
    const refs: string[] = [];
    const visit = (t: TypeSpec | undefined): void => {
      if (t === undefined) return;
      if (t.$ref) refs.push(t.$ref);
      visit(t.items);
      visit(t.additionalProperties);
    };
    properties().forEach(([, p]) => visit(p));
    expect(refs.length).to.be.greaterThan(20);
    for (const ref of refs) expect(kept.types, ref).to.have.property(ref.replace("#/types/", ""));
  });

  it("says what every field is for, and nothing in it is called ...Args, which SDKs add themselves", () => {
    for (const [name, p] of properties()) expect(p.description, name).to.be.a("string").and.not.equal("");
    expect(Object.keys(kept.types).filter((t) => t.endsWith("Args"))).to.deep.equal([]);
  });

  it("has values of enumerations by name, with what they mean", () => {
    const kinds = kept.types[`${TOKEN}ControllerKind`]!;
    expect(kinds.description).to.contain("Who moves the addresses");
    expect(kinds.enum!.map((e) => `${e.name}=${e.value}`)).to.deep.equal([
      "Bundled=Bundled",
      "GkeManaged=GkeManaged",
      "Observe=Observe",
    ]);
  });

  it("lets outputs through where a value comes from another resource, and wants plain values where names are made of them", () => {
    const pods = kept.resources[`${TOKEN}PersistentPodIps`]!;
    expect(pods.inputProperties["region"]).to.include({ type: "string", plain: true });
    expect(kept.types[`${TOKEN}NewCluster`]!.properties!["network"]).to.not.have.property("plain");
  });

  it("breaks no program since the last release, or the version says so", () => {
    const verdict = gate(path.dirname(SCHEMA_FILE));
    expect(verdict.ok, verdict.text).to.equal(true);
  });

  it("the provider refuses a type that it does not have", async () => {
    const provider = new PersistentIpProvider();
    const error: unknown = await provider.construct("x", `${TOKEN}Nothing`, {}, {}).catch((e: unknown) => e);
    expect(String(error)).to.contain(`has no component ${TOKEN}Nothing`);
  });
});
