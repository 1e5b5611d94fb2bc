// SPDX-License-Identifier: Apache-2.0
// Our schemas against Google's, field by field, and the seed's manifests against our rules. Facts come from the shared data folder.
import { expect } from "chai";
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { parseAllDocuments } from "yaml";
import {
  addressBindingCrd,
  addressBindingSchema,
  errorsOf,
  gatewayFindings,
  gkeIpRouteCrd,
  gkeIpRouteSchema,
  IMMUTABLE_ROUTE_FIELDS,
  parseInterfaces,
  PHASES,
  routeFindings,
  schemaFindings,
  type AddressBindingStatus,
  type Gateway,
  type GKEIPRoute,
  type GKEIPRouteSpec,
  type GKEIPRouteSpecInput,
  type Schema,
} from "../../controller/api";

const DATA = path.resolve(__dirname, "../../../shared/data");
const here = existsSync(DATA);
const describeData = here ? describe : describe.skip;
if (!here)
  console.log(`skipped: no folder ${path.basename(path.dirname(DATA))}/data beside the checkout, so nothing to compare with`);

interface Crd {
  metadata: { name: string };
  spec: {
    group: string;
    scope: string;
    names: Record<string, unknown>;
    versions: { name: string; served: boolean; storage: boolean; subresources: object; schema: { openAPIV3Schema: Schema } }[];
  };
}
const crdFile = (name: string): Crd => JSON.parse(readFileSync(path.join(DATA, "crds", name), "utf8")) as Crd;
const root = (crd: Crd): Schema => crd.spec.versions[0]!.schema.openAPIV3Schema;

const isLeaf = (v: unknown): boolean =>
  typeof v !== "object" || v === null || (Array.isArray(v) && v.every((x) => typeof x === "string"));
/** Differences that mean nothing: descriptions, and an atomic list spelt out, which is the default. */
const meaningless = (key: string, value: unknown): boolean =>
  (key === "description" && typeof value === "string") || (key === "x-kubernetes-list-type" && value === "atomic");

/** Every leaf of a schema by its path. */
function leaves(value: unknown, at = ""): Map<string, unknown> {
  if (isLeaf(value)) return new Map([[at, Array.isArray(value) ? [...(value as string[])].sort().join(",") : value]]);
  const inner = Object.entries(value as object).filter(([key, v]) => !meaningless(key, v));
  return new Map(inner.flatMap(([key, v]) => [...leaves(v, `${at}/${key}`)]));
}
const plain = (m: Map<string, unknown>): Record<string, unknown> => Object.fromEntries([...m].sort());
const newer = (): Crd => crdFile("gkeiproute-v1.crd.json");
const older = (): Crd => crdFile("gkeiproute-v1.gke-1.33.crd.json");
const ours = gkeIpRouteCrd() as unknown as Crd;

// On GKE the CRD is Google's and its controller looks after these; with ours the API server does (SEED-56, SEED-64, SEED-65, E44).
const IMMUTABLE = /^\/properties\/spec\/properties\/(parentRefs|network|reactionMode)\/x-kubernetes-validations\/0\//;
const withoutRules = (m: Map<string, unknown>): Map<string, unknown> => new Map([...m].filter(([at]) => !IMMUTABLE.test(at)));

describeData("Our GKEIPRoute definition beside Google's", () => {
  it("has every field, type, default, enum, bound, pattern, required list and extension of the newer one, and no more but immutability", () => {
    expect(leaves(root(newer())).size, "leaves compared").to.be.greaterThan(80);
    expect(plain(withoutRules(leaves(root(ours))))).to.deep.equal(plain(leaves(root(newer()))));
  });

  it("has the same identity: name, group, scope, kinds, version, status subresource", () => {
    const identity = ({ metadata, spec }: Crd): object => {
      const [{ name, served, storage, subresources }] = spec.versions as [Crd["spec"]["versions"][number]];
      const { shortNames: _short, ...names } = spec.names;
      return { metadata, group: spec.group, scope: spec.scope, names, version: { name, served, storage, subresources } };
    };
    expect(identity(ours)).to.deep.equal(identity(newer()));
  });

  it("accepts all that GKE 1.33 accepts: the older schema is a part of ours, and only three fields are new", () => {
    const [mine, theirs] = [withoutRules(leaves(root(ours))), leaves(root(older()))];
    for (const [at, value] of theirs) expect(mine.get(at), at).to.equal(value);
    const added = [...mine.keys()].filter((at) => !theirs.has(at)).map((at) => at.split("/")[4]!);
    expect(new Set(added)).to.deep.equal(new Set(["allowGlobalAccess", "haPolicy", "nodeSelector"]));
  });

  it("asks for nothing more on an older cluster: what our schema requires, the older one has (E45)", () => {
    const required = (s: Schema, at = ""): string[] => [
      ...(s.required ?? []).map((r) => `${at}/${r}`),
      ...Object.entries(s.properties ?? {}).flatMap(([k, v]) => required(v, `${at}/${k}`)),
      ...(s.items ? required(s.items, `${at}[]`) : []),
    ];
    const [mine, theirs] = [required(root(ours)), required(root(older()))];
    expect(mine.filter((r) => !theirs.includes(r)).every((r) => r.startsWith("/spec/nodeSelector/"))).to.equal(true);
  });
});

describe("Our definitions by themselves", () => {
  it("let the API server refuse an edit of every immutable field (SEED-56, SEED-64, SEED-65, E44)", () => {
    const fields: Record<string, Schema> = gkeIpRouteSchema.properties.spec.properties;
    const ruled = Object.keys(fields).filter((f) => fields[f]!["x-kubernetes-validations"]?.[0]?.rule === "self == oldSelf");
    expect(ruled).to.have.members([...IMMUTABLE_ROUTE_FIELDS]);
  });

  const columns = (crd: ReturnType<typeof gkeIpRouteCrd>): string[] =>
    crd.spec.versions[0]!.additionalPrinterColumns.filter((c) => !c.priority).map((c) => c.name.toUpperCase());

  it("show the columns of the design", () => {
    expect(columns(addressBindingCrd())).to.deep.equal(["ADDRESS", "POD", "NODE", "READY", "REASON", "LAST-MOVE", "AGE"]);
    expect(columns(gkeIpRouteCrd())).to.deep.equal(["ADDRESSES", "POD", "READY", "REASON", "AGE"]);
  });

  it("have columns that point at fields which exist", () => {
    for (const [crd, schema] of [
      [addressBindingCrd(), addressBindingSchema],
      [gkeIpRouteCrd(), gkeIpRouteSchema],
    ] as const)
      for (const { jsonPath } of crd.spec.versions[0]!.additionalPrinterColumns) {
        if (jsonPath.startsWith(".metadata.")) continue;
        const names = jsonPath
          .replaceAll(/\[[^\]]*\]/g, "")
          .split(".")
          .slice(1);
        let at: Schema | undefined = schema;
        for (const name of names) at = (at?.items ?? at)?.properties?.[name];
        expect(at, jsonPath).to.not.equal(undefined);
      }
  });

  const faults = (s: Schema): string[] => [
    ...(s.type === undefined ? ["no type"] : []),
    ...(s.type === "array" && !s.items ? ["no items"] : []),
    ...(s.properties && s.additionalProperties ? ["properties and additionalProperties"] : []),
    ...(s.required ?? []).filter((r) => !s.properties?.[r]).map((r) => `requires unknown ${r}`),
  ];
  const children = (s: Schema): [string, Schema][] => [
    ...Object.entries(s.properties ?? {}),
    ...(s.items ? [["[]", s.items] as [string, Schema]] : []),
    ...(s.additionalProperties ? [["*", s.additionalProperties] as [string, Schema]] : []),
  ];
  const structural = (s: Schema, at: string): string[] => [
    ...faults(s).map((f) => `${at}: ${f}`),
    ...children(s).flatMap(([k, inner]) => structural(inner, `${at}.${k}`)),
  ];
  for (const crd of [addressBindingCrd(), gkeIpRouteCrd()])
    it(`are structural schemas: ${crd.metadata.name}`, () => {
      expect(structural(crd.spec.versions[0]!.schema.openAPIV3Schema, "")).to.deep.equal([]);
      expect(crd.metadata.name).to.equal(`${crd.spec.names.plural}.${crd.spec.group}`);
    });

  it("keep address and scope of a binding for good, and know every phase", () => {
    const { address, scope } = addressBindingSchema.properties.spec.properties;
    for (const field of [address, scope]) expect(field["x-kubernetes-validations"][0].rule).to.equal("self == oldSelf");
    expect(addressBindingSchema.properties.status.properties.phase.enum).to.deep.equal(PHASES);
  });
});

describeData("The seed's manifests", () => {
  const documents = (name: string): { kind: string; spec: unknown }[] =>
    parseAllDocuments(readFileSync(path.join(DATA, "seed", name), "utf8")).map(
      (d) => d.toJS() as { kind: string; spec: unknown },
    );

  const routes: [file: string, id: string][] = [
    ["my-ip-route.yaml", "SEED-55"],
    ["statefulset.yaml", "SEED-68"],
    ["deployment.yaml", "SEED-70"],
  ];
  for (const [file, id] of routes)
    it(`pass schema and rules without a finding: ${file} (${id})`, () => {
      const route = documents(file).find((d) => d.kind === "GKEIPRoute") as unknown as GKEIPRoute;
      expect(schemaFindings(gkeIpRouteSchema, route)).to.deep.equal([]);
      expect(routeFindings(route.spec)).to.deep.equal([]);
    });

  it("pass the rules of Gateways without a finding: allowed-pod-ips.yaml (SEED-48)", () => {
    const gateway = documents("allowed-pod-ips.yaml")[0] as unknown as Gateway;
    expect(gateway.spec.addresses).to.have.length(2);
    expect(errorsOf(gatewayFindings(gateway.spec))).to.deep.equal([]);
    expect(gatewayFindings(gateway.spec)).to.deep.equal([]);
  });

  for (const file of ["statefulset.yaml", "deployment.yaml"])
    it(`put their Pods on blue-network by an annotation that we read: ${file} (SEED-72)`, () => {
      const workload = documents(file).find((d) => d.kind !== "GKEIPRoute")!;
      const { template } = workload.spec as { template: { metadata: { annotations: Record<string, string> } } };
      const parsed = parseInterfaces(template.metadata.annotations["networking.gke.io/interfaces"]);
      expect(parsed.ok && parsed.value.map((i) => i.network)).to.deep.equal(["default", "blue-network"]);
    });
});

// Types derive from the schemas. These lines are checked by the compiler (`npm run typecheck`), not at run time: a wrong one is a compile error.
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type OptionalKeys<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];
const holds = <_T extends true>(): void => undefined;

describe("The types that derive from the schemas", () => {
  it("make defaulted fields optional to write and present to read (checked by the compiler)", () => {
    holds<
      Same<OptionalKeys<GKEIPRouteSpec>, "parentRefs" | "loadBalancing" | "allowGlobalAccess" | "haPolicy" | "nodeSelector">
    >();
    holds<Same<Exclude<OptionalKeys<GKEIPRouteSpecInput>, OptionalKeys<GKEIPRouteSpec>>, "network" | "reactionMode">>();
    holds<Same<GKEIPRouteSpec["reactionMode"], "ReadyCondition" | "Exists">>();
    holds<Same<GKEIPRouteSpec["network"], string>>();
    holds<Same<OptionalKeys<GKEIPRouteSpecInput["addresses"][number]>, "type">>();
    holds<Same<OptionalKeys<GKEIPRouteSpec["addresses"][number]>, never>>();
    holds<Same<NonNullable<AddressBindingStatus["phase"]>, (typeof PHASES)[number]>>();
    // @ts-expect-error addresses and podSelector are required
    const incomplete: GKEIPRouteSpecInput = { network: "blue" };
    // @ts-expect-error only two modes exist
    const mode: GKEIPRouteSpecInput["reactionMode"] = "Ready";
    const smallest: GKEIPRouteSpecInput = { addresses: [{ value: "34.123.10.1" }], podSelector: {} };
    expect([incomplete, mode, smallest].map((v) => schemaFindings(gkeIpRouteSchema.properties.spec, v).length > 0)).to.deep.equal(
      [true, true, false],
    );
  });
});
