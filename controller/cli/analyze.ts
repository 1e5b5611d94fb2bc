// SPDX-License-Identifier: Apache-2.0
// `analyze`: the contract's own rules over manifests or over the live cluster. Pulumi's preview, the controller and this command call the
// same functions, so they say the same of the same object. What only the cluster knows (is the network Ready?) is `explain`'s affair.
import { parseAllDocuments } from "yaml";
import {
  gatewayFindings,
  GATEWAY_GROUP,
  GKE_NETWORKING_GROUP,
  planFindings,
  schemaFindings,
  stabilityFindings,
  type Finding,
  type Gateway,
  type GKEIPRouteSpecInput,
  type KubeObject,
  type PlannedGateway,
  type PlannedRoute,
  type Schema,
} from "../api";
import { UsageError } from "./errors";
import { table } from "./print";

export interface Analysed extends Finding {
  /** `GKEIPRoute default/web`. */
  object: string;
}
export interface Analysis {
  /** How many objects of our kinds were looked at. */
  routes: number;
  gateways: number;
  findings: Analysed[];
}
type Bag = Record<string, unknown>;
const isBag = (v: unknown): v is Bag => typeof v === "object" && v !== null && !Array.isArray(v);

/** As much of the Gateway API's schema as the rules rely on; the API server checks the rest. */
const LOOSE = { additionalProperties: {} } as const;
const GATEWAY_SHAPE: Schema = {
  type: "object",
  required: ["gatewayClassName", "listeners"],
  properties: {
    gatewayClassName: { type: "string" },
    addresses: {
      type: "array",
      items: { type: "object", properties: { type: { type: "string" }, value: { type: "string" } }, ...LOOSE },
    },
    listeners: {
      type: "array",
      items: {
        type: "object",
        required: ["name"],
        properties: {
          name: { type: "string" },
          allowedRoutes: {
            type: "object",
            properties: {
              namespaces: {
                type: "object",
                properties: {
                  from: { type: "string", enum: ["All", "Selector", "Same", "None"] },
                  selector: { type: "object", ...LOOSE },
                },
                ...LOOSE,
              },
              kinds: {
                type: "array",
                items: { type: "object", required: ["kind"], properties: { kind: { type: "string" } }, ...LOOSE },
              },
            },
            ...LOOSE,
          },
        },
        ...LOOSE,
      },
    },
  },
  ...LOOSE,
};

function expand(value: unknown): Bag[] {
  if (!isBag(value)) return [];
  const { kind, items } = value;
  return typeof kind === "string" && kind.endsWith("List") && Array.isArray(items) ? items.flatMap(expand) : [value];
}
/** The objects of a file of YAML or JSON documents; Lists are opened. @throws UsageError naming file and line */
export function objectsOf(text: string, file: string): KubeObject[] {
  return parseAllDocuments(text).flatMap((doc) => {
    const [bad] = doc.errors;
    if (bad) throw new UsageError(file, bad.message.split("\n")[0]!, { cause: bad });
    return expand(doc.toJS({ maxAliasCount: 100 })).map((o, i) => {
      if (isBag(o.metadata) && typeof o.metadata.name === "string") return o as unknown as KubeObject;
      throw new UsageError(file, `object ${i + 1} (kind ${JSON.stringify(o.kind)}) has no metadata.name`);
    });
  });
}

const groupOf = (o: KubeObject): string => (o.apiVersion ?? "").split("/")[0]!;
const isRoute = (o: KubeObject): boolean => o.kind === "GKEIPRoute" && groupOf(o) === GKE_NETWORKING_GROUP;
const isGateway = (o: KubeObject): boolean => o.kind === "Gateway" && groupOf(o) === GATEWAY_GROUP;
const specOfObject = (o: KubeObject): unknown => (o as { spec?: unknown }).spec ?? {};

/** Under which short path the rules report an object, so that a finding can be led back to it. */
interface Labelled {
  object: KubeObject;
  key: string;
  path: string;
}
const label = (objects: readonly KubeObject[], mark: string, namespace: string): Labelled[] =>
  objects.map((object, i) => ({
    object,
    key: `${object.metadata.namespace ?? namespace}/${object.metadata.name}`,
    path: `${mark}${i}.spec`,
  }));
/** Annotations of stability, which routes and Gateways take alike. */
const ofAnnotations = ({ object, path }: Labelled): Finding[] =>
  stabilityFindings(object.metadata.annotations, path.replace(/spec$/, "metadata.annotations"));

/** What can be said of a Gateway by itself; of one whose shape is wrong, only that. */
function ofGateway({ object, path }: Labelled): { findings: Finding[]; sound: boolean } {
  const shape = schemaFindings(GATEWAY_SHAPE, specOfObject(object), path);
  return shape.length > 0
    ? { findings: shape, sound: false }
    : { findings: gatewayFindings(specOfObject(object) as Gateway["spec"], path), sound: true };
}
const planned = ({ object, key, path }: Labelled): PlannedGateway => ({
  key,
  path,
  addresses: ((specOfObject(object) as Gateway["spec"]).addresses ?? []).flatMap((a) => a.value ?? []),
});

/**
 * Every finding about the routes and Gateways among the objects; others are left alone.
 * @param namespace of objects that name none
 */
export function analyze(objects: readonly KubeObject[], namespace: string): Analysis {
  const routes = label(objects.filter(isRoute), "r", namespace);
  const gateways = label(objects.filter(isGateway), "g", namespace);
  const judged = gateways.map((g) => ({ g, ...ofGateway(g) }));
  const plan = planFindings(
    routes.map(({ object, key, path }): PlannedRoute => ({ key, path, spec: specOfObject(object) as GKEIPRouteSpecInput })),
    judged.filter((j) => j.sound).map((j) => planned(j.g)),
  );
  const mark = (l: Labelled): string => l.path.replace(/\.spec$/, "");
  const names = new Map([
    ...routes.map((r) => [mark(r), `GKEIPRoute ${r.key}`] as const),
    ...gateways.map((g) => [mark(g), `Gateway ${g.key}`] as const),
  ]);
  // That a Gateway has too many addresses is said once, by the rule of the Gateway.
  const again = (f: Finding): boolean => f.code === "TooManyAddresses" && f.path.startsWith("g");
  const notes = [...routes, ...gateways].flatMap(ofAnnotations);
  const findings = [...judged.flatMap((j) => j.findings), ...plan.filter((f) => !again(f)), ...notes].map((f): Analysed => {
    const [, at, path] = /^([rg]\d+)\.(.*)$/s.exec(f.path)!;
    return { ...f, object: names.get(at!)!, path: path! };
  });
  return { routes: routes.length, gateways: gateways.length, findings };
}

/** One line a finding, and a line that counts. */
export function analysisLines({ routes, gateways, findings }: Analysis): string[] {
  const errors = findings.filter((f) => f.severity === "error").length;
  const sum = `${routes} GKEIPRoute(s), ${gateways} Gateway(s): ${errors} error(s), ${findings.length - errors} warning(s)`;
  if (findings.length === 0) return [sum];
  const rows = findings.map((f) => [f.severity, f.code, f.object, f.path, f.message]);
  return [...table(["SEVERITY", "CODE", "OBJECT", "FIELD", "MESSAGE"], rows), "", sum];
}
