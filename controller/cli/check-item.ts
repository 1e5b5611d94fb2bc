// SPDX-License-Identifier: Apache-2.0
// One item of `check`: what it verifies and how it answers.
import type { CheckInput } from "./check-input";

export type CheckStatus = "ok" | "warn" | "fail";
export interface CheckResult {
  status: CheckStatus;
  message: string;
  /** What to do; empty where nothing is to be done. */
  remedy: string;
}
export interface CheckItem {
  id: string;
  /** Rows of the table in docs/limits.md that this item verifies, as far as an API shows them. */
  assumptions: readonly number[];
  look(input: CheckInput): CheckResult;
}
export const ok = (message: string): CheckResult => ({ status: "ok", message, remedy: "" });
export const warn = (message: string, remedy: string): CheckResult => ({ status: "warn", message, remedy });
export const fail = (message: string, remedy: string): CheckResult => ({ status: "fail", message, remedy });
/** `a, b, c and 2 more`. */
export const some = (names: readonly string[], most = 3): string =>
  names.slice(0, most).join(", ") + (names.length > most ? ` and ${names.length - most} more` : "");
