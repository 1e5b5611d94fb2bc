// SPDX-License-Identifier: Apache-2.0
// What a user does after an engine that was killed: free the lock, see what was under way, tell the engine which of it exists by now, and go on.
import { writeFileSync } from "node:fs";
import * as path from "node:path";
import { pathOf, type Deployment, type Destroyed, type InState } from "./world";

interface Inputs {
  name?: string;
  project?: string;
  region?: string;
  location?: string;
  cluster?: string;
  accountId?: string;
  roleId?: string;
  metadata?: { name: string; namespace?: string };
}

const COLLECTIONS: { [type: string]: (i: Inputs) => string } = {
  "gcp:compute/network:Network": (i) => `global/networks/${i.name}`,
  "gcp:compute/firewall:Firewall": (i) => `global/firewalls/${i.name}`,
  "gcp:compute/subnetwork:Subnetwork": (i) => `regions/${i.region}/subnetworks/${i.name}`,
  "gcp:compute/address:Address": (i) => `regions/${i.region}/addresses/${i.name}`,
  "gcp:container/cluster:Cluster": (i) => `locations/${i.location}/clusters/${i.name}`,
  "gcp:container/nodePool:NodePool": (i) => `locations/${i.location}/clusters/${i.cluster}/nodePools/${i.name}`,
  "gcp:serviceaccount/account:Account": (i) => `serviceAccounts/${i.accountId}@${i.project}.iam.gserviceaccount.com`,
  "gcp:projects/iAMCustomRole:IAMCustomRole": (i) => `roles/${i.roleId}`,
};

/** The id that `pulumi import` would take; undefined for what is made again without harm. */
function idOf({ type, inputs }: InState): string | undefined {
  const i = (inputs ?? {}) as Inputs;
  const rest = COLLECTIONS[type]?.(i);
  if (rest !== undefined) return `projects/${i.project}/${rest}`;
  if (!type.startsWith("kubernetes:") || i.metadata === undefined) return undefined;
  return i.metadata.namespace === undefined ? i.metadata.name : `${i.metadata.namespace}/${i.metadata.name}`;
}

async function exists(stack: Destroyed, resource: InState, id: string): Promise<boolean> {
  const { emulator } = stack.world;
  if (resource.type.startsWith("kubernetes:")) {
    const { admin } = stack.world.cluster().controlPlane;
    return admin.request("GET", await pathOf(admin, resource)).then(
      () => true,
      () => false,
    );
  }
  const [, api = ""] = /^gcp:(\w+)\//.exec(resource.type) ?? [];
  const stored = `sandbox/v1/resources/${encodeURIComponent(resource.type.replace(/\/\w+:/, ":"))}`;
  const root = { compute: "compute/v1", container: "v1" }[api] ?? stored;
  return (await fetch(`${emulator.url}${root}/${id}`)).ok;
}

export interface Resumed {
  /** What was under way: what was being done, type and name. */
  pending: string[];
  /** URNs of creations that Google or the cluster had ended meanwhile; they are in the state now. */
  adopted: string[];
}

/**
 * Frees the lock of an engine that was killed and settles its pending operations without a question. `refresh --import-pending-creates` is no help:
 * the CLI (3.259) marks the operation and then drops it, and the resource with it. docs/destroy.md tells the same to users.
 */
export async function resume(stack: Destroyed): Promise<Resumed> {
  await stack.must(["cancel", "--yes"]);
  const { text } = await stack.must(["stack", "export"]);
  const state = JSON.parse(text.slice(text.indexOf("{"))) as { deployment: Deployment };
  const pending = state.deployment.pending_operations ?? [];
  const creates = pending.filter((p) => p.type === "creating").map((p) => p.resource);
  const made = await Promise.all(
    creates.map(async (resource) => {
      const id = idOf(resource);
      return id !== undefined && (await exists(stack, resource, id)) ? { ...resource, id } : undefined;
    }),
  );
  const adopted = made.filter((m) => m !== undefined);
  state.deployment.resources = [...(state.deployment.resources ?? []), ...adopted];
  state.deployment.pending_operations = [];
  const file = path.join(stack.folder, "resumed.json");
  writeFileSync(file, JSON.stringify(state));
  await stack.must(["stack", "import", "--file", file]);
  await stack.must(["refresh", "--yes", "--skip-preview"]);
  const told = ({ type, resource }: (typeof pending)[number]): string =>
    `${type} ${resource.type} ${resource.urn.split("::").at(-1)}`;
  return { pending: pending.map(told), adopted: adopted.map((r) => r.urn) };
}
