// SPDX-License-Identifier: Apache-2.0
// A second writer that nobody here wrote: kubectl, with field managers of its own, in the middle of a move. It takes over the status of a route, then
// it writes into the journal of an address. The first is a second controller, so nothing moves until it lets go; the second is a slip, and is put right.
import { expect } from "chai";
import { bindingName, SECOND_WRITER, type AddressBinding } from "../../controller/api";
import { eventually, run, throughout, type Ran } from "../support/clients";
import { startLab, toolsOrSkip, type Lab } from "./lab";
import { startReplica, type Replica } from "./replica";
import { Scene } from "./scene";

const [ROUTE, CLAIM] = ["34.97.0.1", "34.97.0.2"] as const;

describe("kubectl writes what is the controller's", function () {
  this.timeout(120_000);
  let lab: Lab;
  let replica: Replica;
  let scene: Scene;

  before(async function () {
    lab = await startLab(await toolsOrSkip(this), { latencyMs: 30 });
    replica = await startReplica(lab, { name: "one" });
    scene = await Scene.open(lab, "shared", [ROUTE, CLAIM]);
    await Promise.all([scene.route("r", ROUTE), scene.route("c", CLAIM)]);
    await Promise.all(["r", "c"].map((app) => scene.pod({ app, name: `${app}-1`, node: "node-1" })));
    await Promise.all(["r", "c"].map((app) => scene.untilHeld(app, `${app}-1`)));
  });
  after(() => lab?.stop());

  const kubectl = async (args: string[], input?: object): Promise<Ran> => {
    const stdin = input === undefined ? {} : { input: JSON.stringify(input) };
    const ran = await run(lab.tools.kubectl, args, { env: { KUBECONFIG: lab.plane.adminKubeconfigPath }, ...stdin });
    expect(ran.code, ran.stderr).to.equal(0);
    return ran;
  };
  /** `kubectl apply --server-side` of a status; without one it takes back all that this manager applied. */
  const applies = (manager: string, status: object = {}): Promise<Ran> =>
    kubectl(["apply", "--server-side", "--force-conflicts", `--field-manager=${manager}`, "--subresource=status", "-f", "-"], {
      apiVersion: "networking.gke.io/v1",
      kind: "GKEIPRoute",
      metadata: { name: "r", namespace: "shared" },
      ...status,
    });
  const ruleWrites = (since: number): string[] =>
    replica.compute.log.filter((p) => p.at >= since && p.path.includes("forwardingRules")).map((p) => `${p.method} ${p.path}`);
  const said = async (): Promise<string> => (await scene.condition("r", SECOND_WRITER))?.message ?? "";

  it("DESIGN 6: a foreign manager applies the status of a route in the middle of a move: SecondWriter, and nothing moves; it leaves, and the move ends", async () => {
    const prepared = new Promise<void>((resolve) => {
      replica.api.onWrite = ({ path, body }) => {
        if (path.includes("/addressbindings/") && body.includes('"Preparing"')) resolve();
      };
    });
    // The node's agent says no for a while, so that the move stays in the middle.
    lab.gke.setDatapathFault((node) => (node === "node-2" ? "not yet" : undefined));
    await scene.pod({ app: "r", name: "r-2", node: "node-2" });
    await prepared;
    await applies("other-fleet-controller", { status: { pods: ["r-1"] } });
    await eventually(async () => expect(await said()).to.contain("other-fleet-controller") && undefined);
    const since = Date.now();
    lab.gke.setDatapathFault(undefined);
    await throughout(() => expect(scene.vmOf(ROUTE)).to.equal("node-1") && undefined, 4_000);
    expect(ruleWrites(since)).to.deep.equal([]);
    expect((await scene.getRoute("r")).status?.pods).to.deep.equal(["r-1"]);
    await applies("other-fleet-controller");
    await scene.untilHeld("r", "r-2", 40_000);
    expect(scene.vmOf(ROUTE)).to.equal("node-2");
    expect(await said()).to.equal("");
  });

  it("E63: kubectl edits the journal of an address, at rest and in the middle of a move: it is put right, and the address follows the Pod, not the text", async () => {
    const claim = bindingName(CLAIM, "External");
    const edit = async (status: object): Promise<AddressBinding["status"]> => {
      const patch = ["--subresource=status", "--type=merge", "--field-manager=kubectl-edit", `-p=${JSON.stringify({ status })}`];
      return (JSON.parse((await kubectl(["patch", "addressbinding", claim, ...patch, "-o", "json"])).stdout) as AddressBinding)
        .status;
    };
    const phase = async (): Promise<string | undefined> => (await scene.getBinding(CLAIM)).status?.phase;
    const holder = (await scene.getBinding(CLAIM)).status?.holder;
    const edited = await edit({ holder: { ...holder, node: "node-3", instance: "node-3", podUID: "nobody", pod: "nobody" } });
    expect(edited?.holder?.node, "the edit was taken").to.equal("node-3");
    await eventually(
      async () => expect((await scene.getBinding(CLAIM)).status?.holder?.node).to.equal("node-1") && undefined,
      20_000,
    );
    await scene.untilHeld("c", "c-1");
    lab.gke.setDatapathFault((node) => (node === "node-2" ? "not yet" : undefined));
    await scene.pod({ app: "c", name: "c-2", node: "node-2" });
    await eventually(async () => expect(await phase()).to.equal("Preparing") && undefined);
    expect((await edit({ phase: "Held", next: null }))?.phase).to.equal("Held");
    lab.gke.setDatapathFault(undefined);
    await scene.untilHeld("c", "c-2", 40_000);
    expect([scene.vmOf(CLAIM), (await scene.getBinding(CLAIM)).status?.holder?.node]).to.deep.equal(["node-2", "node-2"]);
    const targets = lab.emulator.list("targetInstances").filter((t) => t.instance.endsWith("/node-3"));
    expect(targets, "nothing was made for the node of the text").to.deep.equal([]);
  });
});
