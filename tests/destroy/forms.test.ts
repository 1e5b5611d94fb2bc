// SPDX-License-Identifier: Apache-2.0
// Destroy in five forms, protected and not, on the real engine: nothing in the cloud or the cluster is lost or orphaned against the state, and the
// next update works. docs/destroy.md tells the same to users.
import { LocalWorkspace } from "@pulumi/pulumi/automation";
import { expect } from "chai";
import { Destroyed } from "./world";

const ADDRESS = "gcp:compute/address:Address";
const ROUTE = "kubernetes:networking.gke.io/v1:GKEIPRoute";
const RESERVED = ["addresses/edge-inside", "addresses/edge-web"];
/** An internal address cannot do without its subnet. */
const HOLDING = ["networks/edge-blue", "subnetworks/edge-blue"];

describe("destroy", function () {
  this.timeout(240_000);
  let it_: Destroyed;
  before(async function () {
    this.timeout(120_000);
    it_ = await Destroyed.open(this);
  });
  after(async () => it_?.close());

  const agrees = async (kept: readonly string[] = []): Promise<void> => {
    expect(await it_.disagreements(kept)).to.deep.equal([]);
  };
  /** Cuts a destroy off while routes are on their way out. Calls that were under way went through, which only a refresh can know. */
  const interrupted = async (): Promise<void> => {
    // The code is no witness: an interruption between two steps ends with 0, and with words as if all had gone.
    const ran = await it_.run(["destroy", "--yes", "--skip-preview"], /GKEIPRoute edge-\w+ deleted/);
    expect(ran.text).to.contain("^C received; cancelling");
    expect(it_.state().length, ran.text).to.be.greaterThan(20);
    for (const d of await it_.disagreements()) expect(d).to.match(/GKEIPRoute::edge-\w+ is in the state only/);
    await it_.must(["refresh", "--yes", "--skip-preview"]);
    await agrees();
  };
  const target = (urn: string) => it_.must(["destroy", "--yes", "--skip-preview", "--target", urn, "--target-dependents"]);
  const automation = async (): Promise<string> => {
    const envVars = Object.fromEntries(
      Object.entries(it_.world.engine.env()).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])),
    );
    const before = process.env.PATH;
    process.env.PATH = envVars["PATH"];
    try {
      const stack = await LocalWorkspace.selectStack({ stackName: "dev", workDir: it_.folder }, { envVars });
      return await stack.destroy().then(
        () => "",
        (error: unknown) => String(error),
      );
    } finally {
      process.env.PATH = before;
    }
  };

  describe("of a protected stack", () => {
    let cloud: string[];
    before(async () => {
      it_.tell("Protect");
      await it_.up();
      cloud = it_.cloud();
    });
    /** What is protected stays as it was, the rest is gone for real, and one update makes it whole. */
    const survived = async (): Promise<void> => {
      expect(it_.cloud()).to.include.members(cloud.filter((c) => !/^(forwardingRules|targetInstances|firewalls)\//.test(c)));
      await agrees();
      await it_.up();
      await agrees();
      expect(it_.cloud().filter((c) => !c.startsWith("targetInstances/")).length).to.equal(
        cloud.filter((c) => !c.startsWith("targetInstances/")).length,
      );
    };

    it("plain: is refused by its preview, and touches nothing", async () => {
      const ran = await it_.run(["destroy", "--yes"]);
      expect(ran.code, ran.text).to.not.equal(0);
      expect(ran.text).to.match(/cannot be deleted\s+because it is protected/);
      expect(it_.cloud()).to.deep.equal(cloud);
      await agrees();
    });

    it("targeted at an address: is refused; targeted at a route: takes its forwarding rule away, and keeps the address", async () => {
      const refused = await it_.run([
        "destroy",
        "--yes",
        "--skip-preview",
        "--target",
        it_.urnOf(ADDRESS, "edge-web"),
        "--target-dependents",
      ]);
      expect(refused.code, refused.text).to.not.equal(0);
      expect(it_.cloud()).to.include.members(RESERVED);
      await it_.up();
      await target(it_.urnOf(ROUTE, "edge-proxy"));
      expect(it_.cloud().filter((c) => c.startsWith("forwardingRules/"))).to.have.length(1);
      await survived();
    });

    it("--skip-preview: deletes in order what is not protected, and nothing that is", async () => {
      const ran = await it_.run(["destroy", "--yes", "--skip-preview"]);
      expect(ran.code, ran.text).to.not.equal(0);
      await survived();
    });

    it("interrupted: stops where it is; what was being deleted just then is the only thing that differs, and a refresh tells", async () => {
      await interrupted();
      await survived();
    });

    it("Automation API: the same as --skip-preview, which is what it does", async () => {
      expect(await automation()).to.match(/protected/);
      await survived();
    });
  });

  describe("of a stack whose protection was taken off", () => {
    before(() => it_.tell("Delete"));
    /** Nothing is left but these. */
    const gone = (kept: readonly string[]): void => void expect(it_.cloud()).to.have.members(kept);

    it("interrupted, then again: comes to its end, with every address given back and no forwarding rule left (Delete)", async () => {
      await it_.up();
      await interrupted();
      await it_.must(["destroy", "--yes", "--skip-preview"]);
      gone([]);
      await agrees();
    });

    it("the next update after it works, and targeted at a route takes its forwarding rule and no address", async () => {
      await it_.up();
      await target(it_.urnOf(ROUTE, "edge-proxy"));
      expect(it_.cloud()).to.include.members(RESERVED);
      expect(it_.cloud().filter((c) => c.startsWith("forwardingRules/"))).to.have.length(1);
      await agrees();
    });

    // At once it fails (pulumi/pulumi#14650): the engine asks the provider what becomes of it without the cluster, whose id is its identity, hears
    // "replaced", closes the connection, and then wants to delete by it. Nothing asks so of a provider that is the target itself.
    it("targeted at the Kubernetes provider, then at the cluster: takes what is in it along, and no address", async () => {
      await it_.up();
      await target(it_.urnOf("pulumi:providers:kubernetes", "edge-kubernetes"));
      expect(it_.cloud().filter((c) => c.startsWith("forwardingRules/"))).to.deep.equal([]);
      await agrees();
      await target(it_.urnOf("gcp:container/cluster:Cluster", "edge"));
      expect(it_.cloud()).to.include.members(RESERVED).and.not.include("clusters/edge");
      await agrees();
    });

    it("Automation API: gives everything back (Delete)", async () => {
      await it_.up();
      expect(await automation()).to.equal("");
      gone([]);
      await agrees();
    });

    it("plain: keeps the reserved addresses, and the network of the internal one (Retain)", async () => {
      it_.tell("Retain");
      await it_.up();
      await it_.must(["destroy", "--yes"]);
      gone([...RESERVED, ...HOLDING]);
      expect(it_.state()).to.deep.equal([]);
    });

    it("the next update says what to do about the addresses that were kept, and works once they are adopted", async () => {
      const refused = await it_.run(["up", "--yes", "--skip-preview"]);
      expect(refused.code, refused.text).to.not.equal(0);
      expect(refused.text).to.match(/addresses\.web: the name "edge-web" is reserved already.*existing: "edge-web"/);
      it_.tell("Retain", (a) => {
        a.addresses = { web: { existing: "edge-web" }, inside: { existing: "edge-inside", scope: "Internal" } };
        a.networks = { blue: { existingNetwork: "edge-blue", existingSubnetwork: "edge-blue", existingPodRange: "pods" } };
      });
      await it_.up();
      await agrees([...RESERVED, ...HOLDING]);
    });

    it("--skip-preview: leaves what was adopted alone", async () => {
      await it_.must(["destroy", "--yes", "--skip-preview"]);
      gone([...RESERVED, ...HOLDING]);
      await agrees([...RESERVED, ...HOLDING]);
    });
  });
});
