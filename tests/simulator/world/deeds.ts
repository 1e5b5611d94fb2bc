// SPDX-License-Identifier: Apache-2.0
// What each event of a plan does.
import type { Deed } from "./deeds-common";
import { BREAKDOWNS } from "./deeds-faults";
import { USERS } from "./deeds-routes";
import { WORKLOADS } from "./deeds-workloads";
import type { EventKind } from "./shape";

export const DEEDS: { [K in EventKind]: Deed } = { ...WORKLOADS, ...USERS, ...BREAKDOWNS };
