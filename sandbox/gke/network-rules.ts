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

function shapeRefusal({
  vpc,
  vpcSubnet,
  deviceMode,
  podIPv4Ranges,
  networkAttachment,
}: ParamSet["spec"]): ParamSetVerdict | undefined {
  const hasRanges = (podIPv4Ranges?.rangeNames.length ?? 0) > 0;
  const inVpc = Boolean(vpc) && Boolean(vpcSubnet);
  if (networkAttachment) {
    if (vpc || vpcSubnet || deviceMode || hasRanges)
      return refused("GNPConfigInvalid", "networkAttachment excludes all other fields");
    if (!ATTACHMENT.test(networkAttachment))
      return refused("NetworkAttachmentInvalid", `networkAttachment ${networkAttachment} is not a full path`);
    return undefined;
  }
  if (!inVpc) return refused("GNPConfigInvalid", "vpc and vpcSubnet, or networkAttachment, must be set");
  if (!hasRanges && !deviceMode)
    return refused("SecondaryRangeAndDeviceModeUnspecified", "one of podIPv4Ranges and deviceMode must be set");
  if (hasRanges && deviceMode)
    return refused("DeviceModeCantBeUsedWithSecondaryRange", "podIPv4Ranges and deviceMode exclude each other");
  return undefined;
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
  const { podIPv4Ranges, deviceMode, networkAttachment } = set.spec;
  if (networkAttachment && network.spec.type !== "L3")
    return { reason: "NetworkAttachmentUnsupported", message: `a ${network.spec.type} network cannot use a network attachment` };
  if (network.spec.type === "L3" && !podIPv4Ranges && !networkAttachment)
    return { reason: "L3SecondaryMissing", message: `L3 needs podIPv4Ranges in ${name}` };
  if (network.spec.type === "Device" && !deviceMode)
    return { reason: "DeviceModeMissing", message: `Device needs deviceMode in ${name}` };
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
