// SPDX-License-Identifier: Apache-2.0
// References and ids in their several spellings.
import { expect } from "chai";
import { COMPUTE_KINDS } from "./compute";
import { CLUSTER, NODE_POOL } from "./container";
import { STORED_KINDS } from "./generic";
import { fromRest, int64, link, renamed, sameReference, toRest } from "./kind";

describe("references", () => {
  const url = "https://www.googleapis.com/compute/v1/projects/p/global/networks/n";

  it("are the same by name, partial path and URL", () => {
    expect(sameReference("n", url)).to.equal(true);
    expect(sameReference("projects/p/global/networks/n", url)).to.equal(true);
    expect(sameReference("global/networks/n", "projects/p/global/networks/n")).to.equal(true);
  });

  it("differ by project or by name", () => {
    expect(sameReference("projects/q/global/networks/n", url)).to.equal(false);
    expect(sameReference("networks/m", url)).to.equal(false);
    expect(sameReference(undefined, url)).to.equal(false);
  });

  it("become URLs on the way out", () => {
    const write = link(() => "global/networks");
    for (const form of ["n", "global/networks/n", "projects/p/global/networks/n", url])
      expect(write(form, { project: "p" })).to.equal(url);
  });
});

describe("ids", () => {
  const address = COMPUTE_KINDS["gcp:compute/address:Address"];
  const network = COMPUTE_KINDS["gcp:compute/network:Network"];

  it("of an address are taken in every form of terraform import", () => {
    const full = { project: "p", region: "r", name: "a" };
    expect(address?.fromId("projects/p/regions/r/addresses/a")).to.deep.equal(full);
    expect(address?.fromId("p/r/a")).to.deep.equal(full);
    expect(address?.fromId("r/a")).to.deep.equal({ region: "r", name: "a" });
    expect(address?.fromId("a")).to.deep.equal({ name: "a" });
    expect(address?.fromId("projects/p/zones/z/addresses/a")).to.equal(undefined);
  });

  it("are what fromId reads back, for every type", () => {
    const inputs = {
      project: "p",
      region: "r",
      zone: "z",
      location: "r",
      name: "n",
      cluster: "c",
      accountId: "acc",
      roleId: "ro",
      role: "roles/x.y",
    };
    const more = {
      member: "user:a@b",
      service: "s",
      membershipId: "m",
      router: "rt",
      serviceAccountId: "projects/p/serviceAccounts/acc@p.iam.gserviceaccount.com",
    };
    const all = { ...inputs, ...more };
    for (const kind of [CLUSTER, NODE_POOL, ...Object.values(COMPUTE_KINDS), ...Object.values(STORED_KINDS)]) {
      const id = kind.id(all);
      const parts = kind.fromId(id);
      expect(parts, `${kind.label} ${id}`).to.not.equal(undefined);
      expect(all).to.deep.include(parts ?? {});
    }
    expect(network?.id(all)).to.equal("projects/p/global/networks/n");
  });

  it("of a node pool take project and place from a cluster that is named by its id", () => {
    const pool = { project: "x", location: "y", cluster: "projects/p/locations/r/clusters/c", name: "n" };
    expect(NODE_POOL.id(pool)).to.equal("projects/p/locations/r/clusters/c/nodePools/n");
  });
});

describe("fields", () => {
  it("go to REST and come back the same", () => {
    const list = [int64("max", "limits.max"), renamed("allows", "allowed", { protocol: "IPProtocol" })];
    const inputs = { max: 110, allows: [{ protocol: "tcp", ports: ["80"] }] };
    const rest = toRest(list, inputs);
    expect(rest).to.deep.equal({ limits: { max: "110" }, allowed: [{ IPProtocol: "tcp", ports: ["80"] }] });
    expect(fromRest(list, rest)).to.deep.equal(inputs);
  });
});
