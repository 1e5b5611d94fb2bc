// SPDX-License-Identifier: Apache-2.0
// Golden plans: what each everyday edit changes, and how, on the real engine. `UPDATE_GOLDEN=1` writes plans.json anew.
import { expect } from "chai";
import { installCrds } from "../../../sandbox/controlplane";
import { ensureTools } from "../../../sandbox/tools";
import { REGION, useEngine } from "../world";
import { EDITS, type Edit } from "./edits";
import { type Plan, planOf, readPlans, writePlans } from "./plans";
import { Edited } from "./project";

const UPDATE = process.env.UPDATE_GOLDEN === "1";

describe("golden plans", function () {
  this.timeout(120_000);
  const world = useEngine();
  const golden = UPDATE ? [] : readPlans();
  const found: Plan[] = [];
  let edited: Edited;

  const same = (plan: Plan): void => {
    found.push(plan);
    if (!UPDATE) expect(plan).to.deep.equal(golden.find((g) => g.title === plan.title));
  };
  const deploy = async (change: Edit["change"]): Promise<void> => {
    edited.tell(edited.told(change));
    const up = await edited.of.up();
    expect(up.code, up.text).to.equal(0);
  };

  before(async () => {
    const { crds } = await ensureTools();
    await installCrds(world().admin, [crds.gatewayApi, ...crds.network]);
    const url = `${world().emulator.url}compute/v1/projects/${world().emulator.project}/regions/${REGION}/addresses`;
    const headers = { "content-type": "application/json" };
    await fetch(url, { method: "POST", headers, body: JSON.stringify({ name: "bought" }) });
    edited = await Edited.create(world(), "golden");
    await deploy(() => undefined);
  });
  after(() => {
    if (UPDATE) writePlans(found);
  });

  for (const edit of EDITS)
    it(edit.title, async () => {
      if (edit.first) await deploy(edit.first);
      edited.tell(edited.told(edit.change));
      const run = await edited.of.preview();
      if (edit.first) await deploy(() => undefined);
      same(planOf(edit.title, run));
    });

  it("tell of at least twenty edits, each once, and every row of the file is shown by a test", () => {
    expect(new Set(found.map((p) => p.title)).size)
      .to.equal(found.length)
      .and.at.least(20);
    if (!UPDATE) expect(golden.map((g) => g.title)).to.deep.equal(found.map((p) => p.title));
  });
});
