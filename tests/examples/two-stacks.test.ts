// SPDX-License-Identifier: Apache-2.0
// Platform team and application team: two stacks, a StackReference between them, and a Gateway that asks for a label of the namespace.
import { expect } from "chai";
import { eventually } from "../support/clients";
import type { GKEIPRoute } from "../../controller/api";
import type { Project } from "./project";
import { untilReady, useExamples } from "./world";

const PLATFORM = "organization/example-platform/dev";

describe("example two-stacks", function () {
  this.timeout(180_000);
  const examples = useExamples();
  let platform: Project;
  let app: Project;

  before(async function () {
    [platform, app] = await Promise.all([
      examples().project("two-stacks/platform", { "example-platform:onDestroy": "Delete" }),
      examples().project("two-stacks/app", { "example-app:platform": PLATFORM }),
    ]);
  });
  after(async () => {
    await app?.destroy();
    await platform?.destroy();
    expect(examples().world.emulator.list("forwardingRules")).to.deep.equal([]);
  });

  const route = (): Promise<GKEIPRoute> =>
    examples()
      .world.cluster()
      .controlPlane.admin.request("GET", "/apis/networking.gke.io/v1/namespaces/checkout/gkeiproutes/checkout");

  it("the platform's stack comes up without a route, the application's gets its address Ready, and neither changes again", async () => {
    await platform.preview();
    await platform.up();
    const planned = await app.preview();
    const made = await app.up();
    expect(made.changes).to.deep.equal(planned.changes);
    const rows = await untilReady(examples().world, 40_000);
    expect(rows.map((r) => r.route)).to.deep.equal(["checkout/checkout"]);
    const outputs = JSON.parse((await app.ok(["stack", "output", "--json"])).text) as { reachedAt: string };
    expect(outputs.reachedAt).to.equal(rows[0]!.address);
    await Promise.all([platform.unchanged(), app.unchanged()]);
  });

  it("more replicas are the application's affair alone", async () => {
    await app.configure({ "example-app:replicas": "3" });
    expect((await app.preview()).changes).to.deep.equal({ update: 1 });
    await app.up();
  });

  it("a namespace that loses the label loses the address: the route says why, and the address is free again (SEED-46)", async () => {
    app.edit('labels: { "persistent-ip": "allowed" }', 'labels: { "persistent-ip": "denied" }');
    // What the application has done until now was no affair of the platform's stack.
    const [shown] = await Promise.all([app.preview(), platform.unchanged()]);
    expect(shown.changes).to.deep.equal({ update: 1 });
    await app.up();
    await eventually(async () => {
      const accepted = (await route()).status?.conditions?.find((c) => c.type === "Accepted");
      expect([accepted?.status, accepted?.reason]).to.deep.equal(["False", "Unattachable"]);
    }, 20_000);
    app.restore();
    await app.up();
    await untilReady(examples().world, 40_000);
  });
});
