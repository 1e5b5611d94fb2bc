// SPDX-License-Identifier: Apache-2.0
// Every reason, verdict, cause, phase, Event, finding and code with its meaning, cause and remedy: one table for the page, the command line
// and the tests. `npm run docs:reasons` makes docs/reasons.md from it.
import { COMPONENT_FINDINGS, COMPUTE_CODES, FINDINGS } from "./reasons-findings";
import { CAUSES, EVENTS, HOLDS, PHASE_TEXTS, VERDICT_TEXTS } from "./reasons-moves";
import { CLASSES, GATEWAYS, LISTENERS, ROUTES } from "./reasons-objects";
import type { ReasonSection, ReasonText } from "./reasons-type";

export type { ReasonSection, ReasonText } from "./reasons-type";
export const REASON_SECTIONS: readonly ReasonSection[] = [
  ...[ROUTES, GATEWAYS, LISTENERS, CLASSES],
  ...[VERDICT_TEXTS, CAUSES, PHASE_TEXTS, EVENTS, HOLDS],
  ...[FINDINGS, COMPONENT_FINDINGS, COMPUTE_CODES],
];

/** What is known of a word, wherever it stands; several where a word stands in several places. */
export const explainReason = (code: string): { section: string; text: ReasonText }[] =>
  REASON_SECTIONS.flatMap((s) => s.entries.filter((e) => e.code === code).map((text) => ({ section: s.heading, text })));
