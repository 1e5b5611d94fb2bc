// SPDX-License-Identifier: Apache-2.0
// Subnets that are adopted: their ranges count in the overlap checks as soon as they can be read, and nothing is made where they speak against it.
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { subnetProblems, type FoundSubnet } from "./adoptedSubnets";
import type { PersistentPodIpsArgs } from "./argsPods";
import { PersistentPodIps } from "./persistentPodIps";
import { PodNetworks } from "./podNetworks";
import { record, reported } from "./testing/mocks";
import { goodArgs } from "./testing/programs";

const adopted = { existingNetwork: "shared", existingSubnetwork: "shared", existingPodRange: "pods" };
const found = (cidr: string, pods: string): ReadonlyMap<string, FoundSubnet> => new Map([["green", { cidr, ranges: { pods } }]]);
const blue = { cidr: "10.1.0.0/20", podCidr: "10.128.0.0/16" };
const said = (cidr: string, pods: string): string[] =>
  subnetProblems({ networks: { blue, green: adopted } }, found(cidr, pods)).map((p) => `${p.path}: ${p.message} [${p.code}]`);

describe("adopted subnets", () => {
  it("are no problem where their ranges are their own", () => {
    expect(said("10.2.0.0/20", "10.200.0.0/16")).to.deep.equal([]);
  });

  it("overlap by their own range or by that of their Pods, and each is named by its path", () => {
    expect(said("10.1.8.0/24", "10.200.0.0/16")).to.deep.equal([
      "networks.green.existingSubnetwork: 10.1.8.0/24 overlaps 10.1.0.0/20 of networks.blue.cidr; the Pod networks of a cluster must not share addresses [Overlap]",
    ]);
    expect(said("10.2.0.0/20", "10.128.4.0/24")[0]).to.match(/^networks\.green\.existingPodRange: .* of networks\.blue\.podCidr/);
  });

  it("lack the range that the program names", () => {
    const networks = { green: { ...adopted, existingPodRange: "pdos" } };
    const [problem] = subnetProblems({ networks }, found("10.2.0.0/20", "10.200.0.0/16"));
    expect(problem).to.include({ code: "UnknownReference", path: "networks.green.existingPodRange" });
    expect(problem!.message).to.contain('"pdos" is not one of the secondary ranges of the subnet: "pods"');
  });

  it("SEED-36: cannot give an address that lies outside of them", () => {
    const addresses = {
      inside: { network: "green", address: "10.3.0.9" },
      later: { network: "green", address: pulumi.output("10.3.0.9") },
    };
    const problems = subnetProblems({ networks: { green: adopted }, addresses }, found("10.2.0.0/20", "10.200.0.0/16"));
    expect(problems.map((p) => p.path)).to.deep.equal(["addresses.inside.address"]);
  });

  const answer = (ipCidrRange: string) => ({
    "gcp:compute/getSubnetwork:getSubnetwork": () => ({
      ipCidrRange,
      secondaryIpRanges: [{ rangeName: "pods", ipCidrRange: "10.200.0.0/16" }],
    }),
  });
  const args = (): PersistentPodIpsArgs => {
    const good = goodArgs();
    for (const r of Object.values(good.routes!)) r.network = "blue-network";
    good.networks!["green"] = { ...adopted };
    return good;
  };

  it("end the program before anything is made, in the all-in-one and alone", async () => {
    const calls = answer("10.1.8.0/24");
    await record(() => undefined, { calls });
    const all = await reported(() => new PersistentPodIps("edge", args()));
    expect(all).to.have.length(1);
    expect(all[0]).to.match(
      /PersistentPodIps "edge" has 1 problem.*\n {2}networks\.green\.existingSubnetwork: 10\.1\.8\.0\/24 overlaps/,
    );
    const networks = { blue, green: adopted };
    const alone = await reported(() => new PodNetworks("n", { region: "europe-west3", networks, kubernetesObjects: false }));
    expect(alone[0]).to.match(/PodNetworks "n".*\n {2}networks\.green\.existingSubnetwork/);
  });

  it("are read once where they can be, and what cannot be read is not judged", async () => {
    let reads = 0;
    const count = {
      "gcp:compute/getSubnetwork:getSubnetwork": () => (
        reads++,
        answer("10.2.0.0/20")["gcp:compute/getSubnetwork:getSubnetwork"]()
      ),
    };
    const { of } = await record(() => new PersistentPodIps("edge", args()), { calls: count });
    expect(reads).to.equal(1);
    expect(of("kubernetes:networking.gke.io/v1:Network").map((r) => r.name)).to.include("edge-green");
    const refuse = {
      "gcp:compute/getSubnetwork:getSubnetwork": () => {
        throw new Error("googleapi: Error 403: no rights");
      },
    };
    const blind = await record(() => new PersistentPodIps("edge", args()), { calls: refuse });
    expect(blind.of("kubernetes:networking.gke.io/v1:Network").map((r) => r.name)).to.include("edge-green");
  });
});
