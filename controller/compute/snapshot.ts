// SPDX-License-Identifier: Apache-2.0
// Everything of the region in one look, for drift and orphans. All or nothing: acting on half a list would look like deletions.
import type { Addresses } from "./addresses";
import type { Client } from "./client";
import { ComputeError } from "./errors";
import { toFirewall } from "./observe";
import { baseName } from "./paths";
import type { Rules } from "./rules";
import type { Targets } from "./targets";
import type { CloudSnapshot } from "./types";

export interface Parts {
  client: Client;
  addresses: Addresses;
  rules: Rules;
  targets: Targets;
}

/** See `Fabric.snapshot`. */
export async function takeSnapshot({ client, addresses, rules, targets }: Parts): Promise<CloudSnapshot> {
  const { api, config } = client;
  const project = config.networkProject ?? config.project;
  const [found, held, made, firewalls] = await Promise.all([
    addresses.all(),
    rules.all(),
    zonesOf(client).then((zones) => targets.all(zones)),
    client.list("firewalls.list", (query) => (options) => api.firewalls.list({ project, ...query }, options)),
  ]);
  return { addresses: found, rules: held, targets: made, firewalls: firewalls.map(toFirewall) };
}

async function zonesOf(client: Client): Promise<string[]> {
  const { api, config } = client;
  const { project, region } = config;
  const found = await client.find("regions.get", (options) => api.regions.get({ project, region }, options));
  if (found?.zones?.length) return found.zones.map(baseName);
  throw new ComputeError({
    code: found ? "Unknown" : "NotFound",
    method: "regions.get",
    message: `region ${region} ${found ? "has no zones" : "does not exist"} in project ${project}`,
  });
}
