// SPDX-License-Identifier: Apache-2.0
// The order of checks and the reasons of GKE's open controller (reference api.md 5.1 and 5.2).
import { expect } from "chai";
import { tableLookup } from "./lookup";
import { judgeNetwork, judgeParamSet, refersTo } from "./network-rules";
import type { Condition, Network, ParamSet } from "./types";

const lookup = tableLookup(
  { s: { vpc: "v", secondaryRanges: [{ name: "r", cidr: "10.9.0.0/16" }] }, own: { vpc: "main", secondaryRanges: [] } },
  "main",
);
const set = (spec: ParamSet["spec"], name = "p", created = "2026-01-02T00:00:00Z"): ParamSet => ({
  metadata: { name, uid: name, creationTimestamp: created },
  spec,
});
const L3 = { vpc: "v", vpcSubnet: "s", podIPv4Ranges: { rangeNames: ["r"] } };
const DEVICE = { vpc: "v", vpcSubnet: "s", deviceMode: "NetDevice" };
const ATTACHMENT = "projects/p/regions/r/networkAttachments/a";

describe("GKENetworkParamSet", () => {
  const cases: [string, ParamSet["spec"], string][] = [
    ["nothing set", {}, "GNPConfigInvalid"],
    ["a VPC without its subnetwork", { vpc: "v" }, "GNPConfigInvalid"],
    ["an attachment beside other fields", { networkAttachment: ATTACHMENT, vpc: "v" }, "GNPConfigInvalid"],
    ["an attachment that is no full path", { networkAttachment: "a" }, "NetworkAttachmentInvalid"],
    ["neither ranges nor device mode", { vpc: "v", vpcSubnet: "s" }, "SecondaryRangeAndDeviceModeUnspecified"],
    ["both ranges and device mode", { ...L3, deviceMode: "NetDevice" }, "DeviceModeCantBeUsedWithSecondaryRange"],
    ["a subnetwork that does not exist", { ...L3, vpcSubnet: "x" }, "SubnetNotFound"],
    ["a VPC that does not exist", { ...L3, vpc: "x" }, "VPCNotFound"],
    ["a range that does not exist", { ...L3, podIPv4Ranges: { rangeNames: ["r", "x"] } }, "SecondaryRangeNotFound"],
    [
      "device mode in the cluster's own VPC",
      { vpc: "main", vpcSubnet: "own", deviceMode: "NetDevice" },
      "DeviceModeCantUseDefaultVPC",
    ],
  ];
  for (const [what, spec, reason] of cases) {
    it(`with ${what} is not Ready: ${reason}`, async () => {
      expect(await judgeParamSet(set(spec), [], lookup)).to.include({ status: "False", reason });
    });
  }

  it("is Ready with its ranges' blocks, with a device mode, or with an attachment", async () => {
    expect(await judgeParamSet(set(L3), [], lookup)).to.deep.include({
      status: "True",
      reason: "GNPReady",
      cidrBlocks: ["10.9.0.0/16"],
    });
    expect(await judgeParamSet(set(DEVICE), [], lookup)).to.include({ status: "True" });
    expect(await judgeParamSet(set({ networkAttachment: ATTACHMENT }), [], lookup)).to.include({ status: "True" });
  });

  it("of two device sets on one subnetwork the older wins, and by name at one age", async () => {
    const older = set(DEVICE, "z", "2026-01-01T00:00:00Z");
    const newer = set(DEVICE, "a", "2026-01-02T00:00:00Z");
    const all = [older, newer];
    expect(await judgeParamSet(older, all, lookup)).to.include({ status: "True" });
    expect(await judgeParamSet(newer, all, lookup)).to.include({
      reason: "DeviceModeSubnetAlreadyInUse",
      message: "subnetwork is used by z",
    });
    const twin = set(DEVICE, "b", "2026-01-02T00:00:00Z");
    expect(await judgeParamSet(twin, [newer, twin], lookup)).to.include({ reason: "DeviceModeSubnetAlreadyInUse" });
  });
});

describe("Network", () => {
  const network = (type: Network["spec"]["type"], kind = "GKENetworkParamSet"): Network => ({
    metadata: { name: "n", uid: "n" },
    spec: { type, parametersRef: { group: "networking.gke.io", kind, name: "p" } },
  });
  const ready = (spec: ParamSet["spec"], status: Condition["status"] = "True"): ParamSet => ({
    ...set(spec),
    status: { conditions: [{ type: "Ready", status, reason: "x", message: "" }] },
  });
  const reasons = (n: Network, s: ParamSet | undefined): string[] =>
    judgeNetwork(n, s).map((c) => `${c.type}=${c.status}/${c.reason}`);

  it("is Ready when its parameters are and fit its type", () => {
    expect(reasons(network("L3"), ready(L3))).to.deep.equal(["ParamsReady=True/GNPParamsReady", "Ready=True/NetworkReady"]);
    expect(reasons(network("Device"), ready(DEVICE))[1]).to.equal("Ready=True/NetworkReady");
    expect(reasons({ metadata: { name: "default", uid: "d" }, spec: { type: "L3" } }, undefined)).to.deep.equal([
      "Ready=True/NetworkReady",
    ]);
  });

  it("is not Ready otherwise, and ParamsReady says why", () => {
    const first = (n: Network, s: ParamSet | undefined): string | undefined => reasons(n, s)[0];
    expect(reasons(network("L3"), undefined)).to.deep.equal(["ParamsReady=False/GNPDeleted", "Ready=False/ParamsNotReady"]);
    expect(first(network("L3"), ready(L3, "False"))).to.equal("ParamsReady=False/GNPParamsNotReady");
    expect(first(network("L3"), ready(DEVICE))).to.equal("ParamsReady=False/L3SecondaryMissing");
    expect(first(network("Device"), ready(L3))).to.equal("ParamsReady=False/DeviceModeMissing");
    expect(first(network("Device"), ready({ networkAttachment: ATTACHMENT }))).to.equal(
      "ParamsReady=False/NetworkAttachmentUnsupported",
    );
  });

  it("matches the kind of its reference without regard to case", () => {
    expect(refersTo(network("L3", "gkenetworkparamset"), set(L3))).to.equal(true);
    expect(refersTo(network("L3", "Other"), set(L3))).to.equal(false);
  });
});
