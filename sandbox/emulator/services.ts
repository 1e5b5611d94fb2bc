// SPDX-License-Identifier: Apache-2.0
// Every API this server answers, each with its path prefix and its method table.
import type { Env } from "./env";
import type { EmulatorOptions } from "./index";
import type { Service } from "./router";
import { COMPUTE_ROWS, EXTRA_ROWS } from "./table";

export function services(_env: Env, _options: EmulatorOptions): Service[] {
  return [{ prefix: "compute/v1/", rows: [...COMPUTE_ROWS, ...EXTRA_ROWS], rpc: false }];
}
