// SPDX-License-Identifier: Apache-2.0
// When a GKENetworkParamSet and a Network are Ready, after the open controller in cloud-provider-gcp (gkenetworkparamset): the
// order of checks and the reasons are its own. Pure, but for questions to the lookup.
import { shortName, type CloudLookup } from "./lookup";
import type { Condition, Network, ParamSet } from "./types";

type Verdict = Omit<Condition, "lastTransitionTime" | "observedGeneration">;

const ATTACHMENT = /^projects\/([^/]+)\/regions\/([^/]+)\/networkAttachments\/([^/]+)$/;

export interface ParamSetVerdict extends Verdict {
  /** Ranges for Pod addresses when Ready. */
  cidrBlocks: string[];
}

/** Condition `Ready` of a parameter set. `all` are the cluster's sets: of two that claim one subnet for devices the older wins. */
export async function judgeParamSet(set: ParamSet, all: ParamSet[], lookup: CloudLookup): Promise<ParamSetVerdict> {
  const refusal = shapeRefusal(set.spec);
  if (refusal) return refusal;
  if (set.spec.networkAttachment) return ready([]);
  return judgeInCloud(set, all, lookup);
}

type Refusal = [refused: (spec: ParamSet["spec"]) => boolean, reason: string, message: string];

const hasRanges = (spec: ParamSet["spec"]): boolean => (spec.podIPv4Ranges?.rangeNames.length ?? 0) > 0;
const byAttachment = (spec: ParamSet["spec"]): boolean => Boolean(spec.networkAttachment);

// Without a look at the cloud; the first that applies is the answer.
const SHAPE: readonly Refusal[] = [
  [
    (spec) => byAttachment(spec) && [spec.vpc, spec.vpcSubnet, spec.deviceMode, hasRanges(spec)].some(Boolean),
    "GNPConfigInvalid",
    "networkAttachment excludes all other fields",
  ],
  [
    (spec) => byAttachment(spec) && !ATTACHMENT.test(spec.networkAttachment ?? ""),
    "NetworkAttachmentInvalid",
    "networkAttachment is not of the form projects/P/regions/R/networkAttachments/A",
  ],
  [
    (spec) => !byAttachment(spec) && !(spec.vpc && spec.vpcSubnet),
    "GNPConfigInvalid",
    "vpc and vpcSubnet, or networkAttachment, must be set",
  ],
  [
    (spec) => !byAttachment(spec) && !hasRanges(spec) && !spec.deviceMode,
    "SecondaryRangeAndDeviceModeUnspecified",
    "one of podIPv4Ranges and deviceMode must be set",
  ],
  [
    (spec) => hasRanges(spec) && Boolean(spec.deviceMode),
    "DeviceModeCantBeUsedWithSecondaryRange",
    "podIPv4Ranges and deviceMode exclude each other",
  ],
];

function shapeRefusal(spec: ParamSet["spec"]): ParamSetVerdict | undefined {
  const found = SHAPE.find(([applies]) => applies(spec));
  return found && refused(found[1], found[2]);
}

async function judgeInCloud(set: ParamSet, all: ParamSet[], lookup: CloudLookup): Promise<ParamSetVerdict> {
  const vpc = shortName(set.spec.vpc ?? "");
  const subnetName = shortName(set.spec.vpcSubnet ?? "");
  const subnet = await lookup.subnetwork(subnetName);
  if (!subnet) return refused("SubnetNotFound", `subnetwork ${subnetName} does not exist in the cluster's region`);
  if (!(await lookup.vpcExists(vpc))) return refused("VPCNotFound", `VPC ${vpc} does not exist`);
  const names = set.spec.podIPv4Ranges?.rangeNames ?? [];
  const ranges = names.map((name) => subnet.secondaryRanges.find((range) => range.name === name));
  const missing = names.find((_, i) => ranges[i] === undefined);
  if (missing !== undefined)
    return refused("SecondaryRangeNotFound", `subnetwork ${subnetName} has no secondary range ${missing}`);
  return deviceRefusal(set, all, lookup) ?? ready(ranges.map((range) => range?.cidr ?? ""));
}

function deviceRefusal(set: ParamSet, all: ParamSet[], lookup: CloudLookup): ParamSetVerdict | undefined {
  if (!set.spec.deviceMode) return undefined;
  const vpc = shortName(set.spec.vpc ?? "");
  if (lookup.clusterVpc !== undefined && vpc === shortName(lookup.clusterVpc)) {
    return refused("DeviceModeCantUseDefaultVPC", `VPC ${vpc} is the cluster's own`);
  }
  const holder = all.find((other) => other !== set && other.spec.vpcSubnet === set.spec.vpcSubnet && older(other, set));
  return holder && refused("DeviceModeSubnetAlreadyInUse", `subnetwork is used by ${holder.metadata.name}`);
}

function older(a: ParamSet, b: ParamSet): boolean {
  const order = (a.metadata.creationTimestamp ?? "").localeCompare(b.metadata.creationTimestamp ?? "");
  return order !== 0 ? order < 0 : a.metadata.name < b.metadata.name;
}

/** Conditions `ParamsReady` and `Ready` of a Network. `set` is the parameter set it refers to, if that exists. */
export function judgeNetwork(network: Network, set: ParamSet | undefined): Verdict[] {
  if (!network.spec.parametersRef) return [truth("Ready", "NetworkReady")]; // the default network needs none
  const why = paramsRefusal(network, set);
  if (why) return [{ type: "ParamsReady", status: "False", ...why }, lie("Ready", "ParamsNotReady", why.message)];
  return [truth("ParamsReady", "GNPParamsReady"), truth("Ready", "NetworkReady")];
}

function paramsRefusal(network: Network, set: ParamSet | undefined): { reason: string; message: string } | undefined {
  const name = network.spec.parametersRef?.name ?? "";
  if (!set || set.metadata.deletionTimestamp)
    return { reason: "GNPDeleted", message: `GKENetworkParamSet ${name} does not exist` };
  const own = set.status?.conditions?.find((c) => c.type === "Ready");
  if (own?.status !== "True") return { reason: "GNPParamsNotReady", message: `GKENetworkParamSet ${name} is not ready` };
  return typeRefusal(network.spec.type, set);
}

function typeRefusal(
  type: Network["spec"]["type"],
  { metadata, spec }: ParamSet,
): { reason: string; message: string } | undefined {
  if (type !== "L3" && byAttachment(spec))
    return { reason: "NetworkAttachmentUnsupported", message: `a ${type} network cannot use a network attachment` };
  if (type === "L3" && !spec.podIPv4Ranges && !byAttachment(spec))
    return { reason: "L3SecondaryMissing", message: `L3 needs podIPv4Ranges in ${metadata.name}` };
  if (type === "Device" && !spec.deviceMode)
    return { reason: "DeviceModeMissing", message: `Device needs deviceMode in ${metadata.name}` };
  return undefined;
}

/** Whether a Network refers to this parameter set; the kind is matched without regard to case, as GKE does. */
export function refersTo(network: Network, set: ParamSet): boolean {
  const ref = network.spec.parametersRef;
  return ref?.kind.toLowerCase() === "gkenetworkparamset" && ref.name === set.metadata.name;
}

function ready(cidrBlocks: string[]): ParamSetVerdict {
  return { ...truth("Ready", "GNPReady"), cidrBlocks };
}

function refused(reason: string, message: string): ParamSetVerdict {
  return { ...lie("Ready", reason, message), cidrBlocks: [] };
}

function truth(type: string, reason: string): Verdict {
  return { type, status: "True", reason, message: "" };
}

function lie(type: string, reason: string, message: string): Verdict {
  return { type, status: "False", reason, message };
}
