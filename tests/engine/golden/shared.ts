// SPDX-License-Identifier: Apache-2.0
// The one stack of the golden plans, kept up for all files that edit it: bringing it up is what costs.
import { expect } from "chai";
import type { Context } from "mocha";
import type { PersistentPodIpsArgs } from "../../../components";
import { installCrds } from "../../../sandbox/controlplane";
import { startLanguageHost } from "../../../sandbox/pulumi/langhost";
import { ensureTools } from "../../../sandbox/tools";
import { type EngineWorld, openEngine, REGION } from "../world";
import type { Run } from "../stack";
import { Edited, type Told } from "./project";

export type Change = (args: PersistentPodIpsArgs, told: Told) => void;
export interface Golden {
  world: EngineWorld;
  edited: Edited;
  /** Deploys the base, changed; without a change the base itself. @throws AssertionError where it does not go through */
  deploy: (change?: Change) => Promise<void>;
  /** What a preview of the base, changed, says. */
  preview: (change: Change) => Promise<Run>;
  /** The same twice, to run at the same time; each has its language host, which need not be started for each preview. */
  lanes: readonly [Golden["preview"], Golden["preview"]];
  /** Calls the Compute API of the emulator below the project. */
  compute: (method: string, path: string, body?: object) => Promise<Response>;
}

const ends: (() => Promise<void> | void)[] = [];
let shared: Promise<Golden> | undefined;

async function open(context: Context): Promise<Golden> {
  const world = await openEngine(context, ends);
  const { crds } = await ensureTools();
  await installCrds(world.admin, [crds.gatewayApi, ...crds.network]);
  const compute: Golden["compute"] = (method, path, body) =>
    fetch(`${world.emulator.url}compute/v1/projects/${world.emulator.project}/${path}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  await compute("POST", `regions/${REGION}/addresses`, { name: "bought" });
  const edited = await Edited.create(world, "golden");
  const previewOf =
    (where: Edited): Golden["preview"] =>
    (change) => {
      where.tell(where.told(change));
      return where.of.preview();
    };
  const lane = async (): Promise<Golden["preview"]> => {
    const host = await startLanguageHost("", () => undefined);
    ends.push(() => host.stop());
    return previewOf(edited.twin({ PULUMI_DEBUG_LANGUAGES: `nodejs:${host.port}` }));
  };
  const deploy: Golden["deploy"] = async (change = () => undefined) => {
    edited.tell(edited.told(change));
    const up = await edited.of.up();
    expect(up.code, up.text).to.equal(0);
  };
  await deploy();
  return { world, edited, deploy, preview: previewOf(edited), lanes: [await lane(), await lane()], compute };
}

/** Registers a hook that brings the stack up. */
export function useGolden(): () => Golden {
  let golden: Golden | undefined;
  before(async function () {
    this.timeout(180_000);
    golden = await (shared ??= open(this));
  });
  return () => golden!;
}

// Registered once, outside of every suite: runs after the last file.
after(async function () {
  this.timeout(60_000);
  await shared?.catch(() => undefined);
  for (const end of ends.reverse()) await end();
});
