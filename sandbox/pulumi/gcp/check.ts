// SPDX-License-Identifier: Apache-2.0
// Check of a gcp resource: what the provider fills in (project, place, name, defaults, labels), and what it refuses before any call.
import type { CheckInput, Checked, Failure } from "../provider";
import { at, compact, isRecord, isUnknown, textAt, UNKNOWN, type Json, type Props } from "../value";
import { shortName, type Kind } from "./kind";

/** What a provider resource was configured with. */
export interface GcpSettings {
  project: string;
  region?: string;
  zone?: string;
  defaultLabels: Props;
  /** Adds `goog-pulumi-provisioned` to every label set, as the real provider does unless told otherwise. */
  attribution: boolean;
}

interface Rule {
  input: string;
  test: (v: Json, inputs: Props) => boolean;
  wants: string;
}

const oneOf = (input: string, ...allowed: string[]): Rule => ({
  input,
  test: (v) => typeof v === "string" && allowed.includes(v),
  wants: `one of ${allowed.join(", ")}`,
});
const pattern = (input: string, regexp: RegExp): Rule => ({
  input,
  test: (v) => typeof v === "string" && regexp.test(v),
  wants: `text that matches ${regexp.source}`,
});
const cidr = (input: string): Rule => pattern(input, /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$|^[0-9a-f:]+\/\d{1,3}$/i);

const TIERS = ["PREMIUM", "STANDARD", "FIXED_STANDARD", "STANDARD_OVERRIDES_FIXED_STANDARD"];
const PURPOSES = ["GCE_ENDPOINT", "SHARED_LOADBALANCER_VIP", "VPC_PEERING", "IPSEC_INTERCONNECT", "PRIVATE_SERVICE_CONNECT"];
const RFC1035 = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const MEMBER =
  /^(allUsers|allAuthenticatedUsers|(user|serviceAccount|group|domain|principal|principalSet|deleted|projectOwner|projectEditor|projectViewer|principalHierarchy|iamMember):.+)$/;

// Validation functions of the Terraform schema (ValidateEnum, ValidateRegexp, ...) and refusals that the API would answer.
const RULES: Readonly<Record<string, readonly Rule[]>> = {
  "gcp:compute/address:Address": [
    oneOf("addressType", "INTERNAL", "EXTERNAL"),
    oneOf("networkTier", ...TIERS),
    { input: "networkTier", test: (_v, i) => i.addressType !== "INTERNAL", wants: "to be unset for an INTERNAL address" },
    {
      input: "subnetwork",
      test: (_v, i) => i.addressType === "INTERNAL",
      wants: "addressType INTERNAL: an EXTERNAL address has no subnetwork",
    },
    oneOf("purpose", ...PURPOSES),
    oneOf("ipVersion", "IPV4", "IPV6"),
    oneOf("ipv6EndpointType", "VM", "NETLB"),
  ],
  "gcp:compute/subnetwork:Subnetwork": [cidr("ipCidrRange"), oneOf("stackType", "IPV4_ONLY", "IPV4_IPV6", "IPV6_ONLY")],
  "gcp:compute/network:Network": [oneOf("routingMode", "REGIONAL", "GLOBAL")],
  "gcp:compute/firewall:Firewall": [
    oneOf("direction", "INGRESS", "EGRESS"),
    { input: "allows", test: (_v, i) => i.denies === undefined, wants: "to be used without denies: a rule allows or denies" },
  ],
  "gcp:compute/publicDelegatedPrefix:PublicDelegatedPrefix": [cidr("ipCidrRange")],
  "gcp:compute/publicAdvertisedPrefix:PublicAdvertisedPrefix": [cidr("ipCidrRange"), oneOf("pdpScope", "GLOBAL", "REGIONAL")],
  "gcp:compute/forwardingRule:ForwardingRule": [oneOf("ipProtocol", "TCP", "UDP", "ESP", "AH", "SCTP", "ICMP", "L3_DEFAULT")],
  "gcp:container/cluster:Cluster": [
    pattern("name", /^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/),
    oneOf("datapathProvider", "DATAPATH_PROVIDER_UNSPECIFIED", "LEGACY_DATAPATH", "ADVANCED_DATAPATH"),
    oneOf("networkingMode", "VPC_NATIVE", "ROUTES"),
    oneOf("releaseChannel.channel", "UNSPECIFIED", "RAPID", "REGULAR", "STABLE", "EXTENDED"),
    oneOf("gatewayApiConfig.channel", "CHANNEL_DISABLED", "CHANNEL_EXPERIMENTAL", "CHANNEL_STANDARD"),
    {
      input: "enableMultiNetworking",
      test: (v, i) => v !== true || i.datapathProvider === "ADVANCED_DATAPATH" || i.enableAutopilot === true,
      wants: "datapathProvider ADVANCED_DATAPATH",
    },
  ],
  "gcp:container/nodePool:NodePool": [
    { input: "nodeCount", test: (_v, i) => i.autoscaling === undefined, wants: "to be unset when autoscaling is set" },
    { input: "maxPodsPerNode", test: (v) => typeof v === "number" && v >= 8 && v <= 256, wants: "a number from 8 to 256" },
  ],
  "gcp:serviceaccount/account:Account": [pattern("accountId", /^[a-z](?:[-a-z0-9]{4,28}[a-z0-9])$/)],
  "gcp:projects/iAMCustomRole:IAMCustomRole": [
    pattern("roleId", /^[a-zA-Z0-9_.]{3,64}$/),
    oneOf("stage", "ALPHA", "BETA", "GA", "DEPRECATED", "DISABLED", "EAP"),
  ],
  "gcp:projects/iAMMember:IAMMember": [pattern("member", MEMBER)],
  "gcp:serviceaccount/iAMMember:IAMMember": [pattern("member", MEMBER)],
};

// Defaults of the Terraform schema that the bridge writes into the inputs.
const DEFAULTS: Readonly<Record<string, Props>> = {
  "gcp:compute/address:Address": { addressType: "EXTERNAL" },
  "gcp:compute/network:Network": { autoCreateSubnetworks: true },
  "gcp:compute/firewall:Firewall": { priority: 1000 },
  "gcp:container/cluster:Cluster": { deletionProtection: true },
  "gcp:compute/targetInstance:TargetInstance": { natPolicy: "NO_NAT" },
  "gcp:projects/iAMCustomRole:IAMCustomRole": { stage: "GA" },
};

const NO_PLACE = "cannot determine PLACE: set it on this resource, or set 'region' or 'zone' on the provider";

/** Fills and validates the inputs of one resource. `suffix` gives seven random hex digits. */
export function checkResource(kind: Kind, settings: GcpSettings, q: CheckInput, suffix: () => string): Checked {
  const inputs: Props = { ...DEFAULTS[q.type], ...q.news };
  const failures: Failure[] = [];
  for (const key of kind.defaults) {
    const value = inputs[key] ?? placeOf(key, settings, inputs);
    if (value === undefined) failures.push({ property: key, reason: NO_PLACE.replaceAll("PLACE", key) });
    else if (!isUnknown(value) || inputs[key] !== undefined) inputs[key] = value;
  }
  if (kind.named && inputs.name === undefined)
    inputs.name = textAt(q.olds, "name") ?? q.proposedName ?? autoname(q.name, suffix());
  return { inputs, failures: [...failures, ...broken(q.type, kind, inputs)] };
}

function placeOf(key: "project" | "region" | "zone" | "location", settings: GcpSettings, inputs: Props): string | undefined {
  switch (key) {
    case "project":
      return settings.project;
    case "region":
      return settings.region ?? settings.zone?.replace(/-[a-z]$/, "");
    case "zone":
      return settings.zone;
    case "location":
      return locationOfCluster(inputs) ?? settings.region ?? settings.zone;
  }
}

// A node pool that names its cluster by id needs no location of its own; while that id is unknown, so is the location.
function locationOfCluster(inputs: Props): string | undefined {
  if (isUnknown(inputs.cluster)) return UNKNOWN;
  return /\/locations\/([^/]+)\/clusters\//.exec(textAt(inputs, "cluster") ?? "")?.[1];
}

function autoname(name: string, suffix: string): string {
  return `${name
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, "-")
    .slice(0, 32)}-${suffix}`;
}

function broken(type: string, kind: Kind, inputs: Props): Failure[] {
  const named: Rule[] = kind.named && type.startsWith("gcp:compute/") ? [pattern("name", RFC1035)] : [];
  return [...named, ...(RULES[type] ?? [])].flatMap((rule) => {
    const value = at(inputs, rule.input);
    if (value === undefined || isUnknown(value) || rule.test(value, inputs)) return [];
    return [
      {
        property: rule.input,
        reason: `expected ${rule.input} to be ${rule.wants}, got ${JSON.stringify(value)}`.replace("to be to be", "to be"),
      },
    ];
  });
}

/** Label outputs of the inputs: what this program asks for, and what goes to the cloud. */
export function labelOutputs(kind: Kind, settings: GcpSettings, inputs: Props): Props {
  if (kind.labels === undefined) return {};
  const own = inputs[kind.labels];
  if (isUnknown(own)) return {};
  const attribution: Props = settings.attribution ? { "goog-pulumi-provisioned": "true" } : {};
  const all = { ...settings.defaultLabels, ...(isRecord(own) ? own : {}), ...attribution };
  return { pulumiLabels: all, effectiveLabels: all };
}

/** Reads the provider's configuration; values arrive as text, structured ones as JSON text. */
export function gcpSettings(config: Props, fallback: { project: string; region?: string }): GcpSettings {
  const zone = textAt(config, "zone");
  return {
    project: textAt(config, "project") ?? fallback.project,
    zone: zone === undefined ? undefined : shortName(zone),
    region: shortName(compact({ r: textAt(config, "region") ?? fallback.region }).r) || undefined,
    defaultLabels: structured(config.defaultLabels),
    attribution: config.addPulumiAttributionLabel !== "false" && config.addPulumiAttributionLabel !== false,
  };
}

function structured(v: Json | undefined): Props {
  if (isRecord(v)) return v;
  const parsed: unknown = typeof v === "string" && v.startsWith("{") ? JSON.parse(v) : {};
  return isRecord(parsed) ? parsed : {};
}
