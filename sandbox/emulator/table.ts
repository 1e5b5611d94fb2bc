// SPDX-License-Identifier: Apache-2.0
// The whole Compute surface of the emulator: one row per method. tests/emulator compares it with Google's schema.
import type { Row } from "./env";
import { ADDRESS_ROWS, GLOBAL_ADDRESS_ROWS } from "./resources/addresses";
import { BACKEND_ROWS } from "./resources/backends";
import { FIREWALL_ROWS } from "./resources/firewalls";
import { FORWARDING_RULE_ROWS } from "./resources/forwarding-rules";
import { INSTANCE_ROWS } from "./resources/instances";
import { NETWORK_ROWS } from "./resources/networks";
import { OPERATION_ROWS, PLACE_ROWS } from "./resources/places";
import { PREFIX_ROWS } from "./resources/prefixes";
import { SUBNETWORK_ROWS } from "./resources/subnetworks";
import { TARGET_INSTANCE_ROWS } from "./resources/target-instances";

/** Paths are relative to `compute/v1/`. */
export const COMPUTE_ROWS: readonly Row[] = [
  ...ADDRESS_ROWS,
  ...FORWARDING_RULE_ROWS,
  ...TARGET_INSTANCE_ROWS,
  ...INSTANCE_ROWS,
  ...NETWORK_ROWS,
  ...SUBNETWORK_ROWS,
  ...FIREWALL_ROWS,
  ...PREFIX_ROWS,
  ...BACKEND_ROWS,
  ...PLACE_ROWS,
  ...OPERATION_ROWS,
];

/** Methods that clients call and Google has, but that the schema at hand leaves out. */
export const EXTRA_ROWS: readonly Row[] = GLOBAL_ADDRESS_ROWS;
