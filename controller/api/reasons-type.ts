// SPDX-License-Identifier: Apache-2.0
// Shape of the table of reasons, which docs/reasons.md is generated from and the command line explains with.
export interface ReasonText {
  code: string;
  /** Condition and value, or type of the Event. */
  where?: string;
  meaning: string;
  cause?: string;
  remedy?: string;
}
export interface ReasonSection {
  heading: string;
  intro?: string;
  outro?: string;
  /** Where tests are looked for that reach a reason: beginnings of paths. */
  tests: readonly string[];
  entries: readonly ReasonText[];
}
