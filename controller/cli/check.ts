// SPDX-License-Identifier: Apache-2.0
// `check`: is this cluster as we believe GKE to be? One item for each row of docs/limits.md "Assumptions that were not verified", and for what a
// person would look at first. Items are pure over what was read; each answers ok, warn or fail, and what to do.
import type { CheckInput } from "./check-input";
import { CLOUD_ITEMS } from "./check-cloud";
import { CLUSTER_ITEMS } from "./check-cluster";
import type { CheckItem, CheckResult, CheckStatus } from "./check-item";
import { ROUTE_ITEMS } from "./check-routes";
import { table } from "./print";

export type Checked = CheckResult & { item: string };

/** Every item, in the order in which a person would look. */
export const checkItems = (): readonly CheckItem[] => [...CLUSTER_ITEMS, ...ROUTE_ITEMS, ...CLOUD_ITEMS];

/** Runs all items. @param only ids; undefined: all */
export const runChecks = (input: CheckInput, only?: readonly string[]): Checked[] =>
  checkItems()
    .filter((i) => only === undefined || only.includes(i.id))
    .map((i) => ({ item: i.id, ...i.look(input) }));

export function checkLines(checked: readonly Checked[]): string[] {
  const count = (s: CheckStatus): number => checked.filter((c) => c.status === s).length;
  const rows = checked.map((c) => [c.status, c.item, c.remedy === "" ? c.message : `${c.message}. ${c.remedy}`]);
  return [...table(["STATUS", "ITEM", "FOUND"], rows), "", `${count("ok")} ok, ${count("warn")} warn, ${count("fail")} fail`];
}
