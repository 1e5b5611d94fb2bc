// SPDX-License-Identifier: Apache-2.0
// Every API this server answers, each with its path prefix and its method table.
import { clusterRows } from "./container/clusters";
import { nodePoolRows } from "./container/node-pools";
import { ContainerState } from "./container/state";
import type { ContainerHooks } from "./container/types";
import type { Env } from "./env";
import { genericRows, serviceUsageRows } from "./other/generic";
import type { InstanceAttributes } from "./other/metadata";
import { metadataRows } from "./other/metadata";
import type { Service } from "./router";
import { COMPUTE_ROWS, EXTRA_ROWS } from "./table";

export interface ServiceOptions {
  hooks?: ContainerHooks;
  instanceAttributes?: InstanceAttributes;
}

export function services(env: Env, options: ServiceOptions): Service[] {
  const container = new ContainerState(env, options.hooks ?? {});
  return [
    { prefix: "compute/v1/", rows: [...COMPUTE_ROWS, ...EXTRA_ROWS], rpc: false },
    { prefix: "", rows: [...clusterRows(container), ...nodePoolRows(container), ...serviceUsageRows()], rpc: true },
    { prefix: "", rows: [...metadataRows(options.instanceAttributes ?? {}), ...genericRows(new Map())], rpc: false },
  ];
}
