// SPDX-License-Identifier: Apache-2.0
// Compute types as tables: collection, fields, and how each is changed in place.
import { compact, isRecord, same, textAt, type Json, type Props } from "../value";
import {
  field,
  fields,
  fromRest,
  link,
  parseId,
  renamed,
  sameReference,
  shortName,
  text,
  toRest,
  type Field,
  type Kind,
} from "./kind";
import type { Cloud } from "./rest";

type Place = "global" | "region" | "zone";

interface ComputeSpec {
  label: string;
  collection: string;
  place: Place;
  fields: Field[];
  /** Only read: input name and REST name. */
  outputs?: Field[];
  /** Changes in place; what none of them covers goes into one PATCH of the changed fields. */
  setters?: Setter[];
  labels?: boolean;
  references?: string[];
}

interface Setter {
  input: string;
  send(cloud: Cloud, news: Props, path: string, project: string): Promise<void>;
}

const WHERE: Record<Place, (p: Props) => string> = {
  global: () => "global",
  region: (p) => `regions/${shortName(p.region)}`,
  zone: (p) => `zones/${shortName(p.zone)}`,
};
const inPlace = (collection: string, place: Place) => link((i) => `${WHERE[place](i)}/${collection}`);

const network: Field = { input: "network", rest: "network", write: inPlace("networks", "global") };
const subnetwork: Field = { input: "subnetwork", rest: "subnetwork", write: inPlace("subnetworks", "region") };
const LABELS: Field[] = [{ input: "effectiveLabels", rest: "labels" }, field("labelFingerprint")];
const OUTPUTS = fields("selfLink creationTimestamp");

/** A Compute type from its table. */
export function compute(spec: ComputeSpec): Kind {
  const all = [...spec.fields, ...(spec.labels ? LABELS : [])];
  const readable = [...all, ...OUTPUTS, ...(spec.outputs ?? [])];
  const collection = (p: Props): string => `${WHERE[spec.place](p)}/${spec.collection}`;
  const path = (p: Props): string => `${collection(p)}/${text(p, "name")}`;
  return {
    label: spec.label,
    named: true,
    defaults: spec.place === "global" ? ["project"] : ["project", spec.place],
    references: spec.references ?? [],
    labels: spec.labels ? "labels" : undefined,
    id: (p) => `projects/${text(p, "project")}/${path(p)}`,
    fromId: (id) => parseId(idForms(spec), id),
    create: (cloud, p) => cloud.compute("POST", text(p, "project"), collection(p), { name: text(p, "name"), ...toRest(all, p) }),
    async read(cloud, p) {
      const body = await cloud.find(`compute/v1/projects/${text(p, "project")}/${path(p)}`);
      return body === undefined ? undefined : { ...compact({ name: body.name }), ...fromRest(readable, body) };
    },
    update: (cloud, olds, news) => updateInPlace(spec, cloud, { olds, news, path: path(news) }),
    delete: (cloud, state) => cloud.compute("DELETE", text(state, "project"), path(state)),
  };
}

// The forms that Terraform's import takes.
function idForms({ place, collection }: ComputeSpec): string[] {
  if (place === "global") return [`projects/{project}/global/${collection}/{name}`, "{project}/{name}", "{name}"];
  const where = `{${place}}`;
  return [`projects/{project}/${place}s/${where}/${collection}/{name}`, `{project}/${where}/{name}`, `${where}/{name}`, "{name}"];
}

async function updateInPlace(spec: ComputeSpec, cloud: Cloud, u: { olds: Props; news: Props; path: string }): Promise<void> {
  const project = text(u.news, "project");
  const changed = spec.fields.filter((f) => isChanged(spec, u, f.input));
  for (const setter of spec.setters ?? []) {
    if (changed.some((f) => f.input === setter.input)) await setter.send(cloud, u.news, u.path, project);
  }
  if (spec.labels && !same(u.olds.effectiveLabels, u.news.effectiveLabels)) await setLabels(cloud, u.news, u.path);
  const rest = changed.filter((f) => !(spec.setters ?? []).some((s) => s.input === f.input));
  if (rest.length === 0) return;
  const live = await cloud.request("GET", `compute/v1/projects/${project}/${u.path}`);
  await cloud.compute("PATCH", project, u.path, { ...toRest(rest, u.news), ...compact({ fingerprint: live.fingerprint }) });
}

function isChanged(spec: ComputeSpec, u: { olds: Props; news: Props }, input: string): boolean {
  const [a, b] = [u.olds[input], u.news[input]];
  return !same(a, b) && !(spec.references?.includes(input) && sameReference(a, b));
}

async function setLabels(cloud: Cloud, news: Props, path: string): Promise<void> {
  const project = text(news, "project");
  const live = await cloud.request("GET", `compute/v1/projects/${project}/${path}`);
  const labels = isRecord(news.effectiveLabels) ? news.effectiveLabels : {};
  await cloud.compute("POST", project, `${path}/setLabels`, { labels, ...compact({ labelFingerprint: live.labelFingerprint }) });
}

const FIREWALL_RULE = { protocol: "IPProtocol" };
const RANGES: Field = { input: "secondaryIpRanges", rest: "secondaryIpRanges" };

const setTarget: Setter = {
  input: "target",
  send: (cloud, news, path, project) =>
    cloud.compute("POST", project, `${path}/setTarget`, { target: targetLink(news.target ?? "", news) }),
};
const targetLink = inPlace("targetInstances", "zone");

const ADDRESS_FIELDS = "address addressType purpose ipVersion ipv6EndpointType networkTier prefixLength description";

export const COMPUTE_KINDS: Readonly<Record<string, Kind>> = {
  "gcp:compute/network:Network": compute({
    label: "Network",
    collection: "networks",
    place: "global",
    fields: [
      ...fields("autoCreateSubnetworks mtu description enableUlaInternalIpv6"),
      field("routingMode", "routingConfig.routingMode"),
    ],
    outputs: [field("numericId", "id"), field("networkId", "id"), field("gatewayIpv4", "gatewayIPv4")],
  }),
  "gcp:compute/subnetwork:Subnetwork": compute({
    label: "Subnetwork",
    collection: "subnetworks",
    place: "region",
    references: ["network", "region"],
    fields: [
      network,
      ...fields("ipCidrRange privateIpGoogleAccess stackType purpose role description logConfig ipv6AccessType"),
      RANGES,
    ],
    outputs: [...fields("fingerprint gatewayAddress ipv6CidrRange state"), field("subnetworkId", "id")],
  }),
  "gcp:compute/address:Address": compute({
    label: "Address",
    collection: "addresses",
    place: "region",
    references: ["network", "subnetwork", "region", "ipCollection"],
    labels: true,
    fields: [
      ...fields(ADDRESS_FIELDS),
      network,
      subnetwork,
      { input: "ipCollection", rest: "ipCollection", write: inPlace("publicDelegatedPrefixes", "region") },
    ],
    outputs: [field("users"), field("addressId", "id")],
  }),
  "gcp:compute/globalAddress:GlobalAddress": compute({
    label: "GlobalAddress",
    collection: "addresses",
    place: "global",
    references: ["network"],
    labels: true,
    fields: [...fields("address addressType purpose ipVersion prefixLength description"), network],
  }),
  "gcp:compute/firewall:Firewall": compute({
    label: "Firewall",
    collection: "firewalls",
    place: "global",
    references: ["network"],
    fields: [
      network,
      ...fields(
        "direction priority disabled sourceRanges destinationRanges sourceTags targetTags sourceServiceAccounts targetServiceAccounts description",
      ),
      renamed("allows", "allowed", FIREWALL_RULE),
      renamed("denies", "denied", FIREWALL_RULE),
      { input: "logConfig", rest: "logConfig", write: (v) => ({ enable: true, ...(isRecord(v) ? v : {}) }), read: logConfig },
    ],
  }),
  "gcp:compute/publicAdvertisedPrefix:PublicAdvertisedPrefix": compute({
    label: "PublicAdvertisedPrefix",
    collection: "publicAdvertisedPrefixes",
    place: "global",
    fields: fields("ipCidrRange dnsVerificationIp pdpScope ipv6AccessType description"),
    outputs: fields("sharedSecret status"),
  }),
  "gcp:compute/publicDelegatedPrefix:PublicDelegatedPrefix": compute({
    label: "PublicDelegatedPrefix",
    collection: "publicDelegatedPrefixes",
    place: "region",
    references: ["parentPrefix", "region"],
    fields: [
      ...fields("ipCidrRange mode allocatablePrefixLength isLiveMigration description"),
      { input: "parentPrefix", rest: "parentPrefix", write: inPlace("publicAdvertisedPrefixes", "global") },
    ],
    outputs: fields("status byoipApiVersion enableEnhancedIpv4Allocation"),
  }),
  "gcp:compute/targetInstance:TargetInstance": compute({
    label: "TargetInstance",
    collection: "targetInstances",
    place: "zone",
    references: ["instance", "network", "zone"],
    fields: [
      ...fields("natPolicy description securityPolicy"),
      network,
      { input: "instance", rest: "instance", write: inPlace("instances", "zone") },
    ],
  }),
  "gcp:compute/forwardingRule:ForwardingRule": compute({
    label: "ForwardingRule",
    collection: "forwardingRules",
    place: "region",
    references: ["network", "subnetwork", "target", "backendService", "ipAddress", "region"],
    labels: true,
    setters: [setTarget],
    fields: [
      ...fields(
        "allPorts ports portRange loadBalancingScheme networkTier ipVersion allowGlobalAccess sourceIpRanges description",
      ),
      field("ipProtocol", "IPProtocol"),
      network,
      subnetwork,
      { input: "ipAddress", rest: "IPAddress", write: (v, i) => (isAddress(v) ? v : inPlace("addresses", "region")(v, i)) },
      { input: "target", rest: "target", write: targetLink },
      { input: "backendService", rest: "backendService", write: inPlace("backendServices", "region") },
    ],
    outputs: [field("forwardingRuleId", "id"), field("baseForwardingRule")],
  }),
};

const isAddress = (v: Json): boolean => typeof v === "string" && /^[\d.:a-f/]+$/i.test(v) && !v.startsWith("projects");

// Terraform has no `enable`: the block's presence says it.
function logConfig(v: Json): Json {
  const { enable: _enable, ...rest } = isRecord(v) ? v : {};
  return textAt(rest, "metadata") === undefined ? {} : rest;
}
