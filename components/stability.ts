// SPDX-License-Identifier: Apache-2.0
// Stability of a route or Gateway as the annotations that the controller reads, and what is wrong with it. The rules are the contract's. Pure.
import { STABILITY_ANNOTATION, stabilityFindings, type StabilityKey } from "../controller/api";
import type { StabilityArgs } from "./argsPods";
import { at } from "./checks";
import type { Problem } from "./problems";

/** Text of each value as the annotation wants it. */
function texts(s: StabilityArgs): { [K in StabilityKey]?: string | undefined } {
  const text = (v: boolean | number | string | undefined): string | undefined => (v === undefined ? undefined : String(v));
  const weights = Object.entries(s.preferredPods ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    sticky: text(s.sticky),
    minDwellSeconds: text(s.minDwellSeconds),
    moveBudget: s.moveBudget,
    preferredPods: s.preferredPods === undefined ? undefined : weights.map(([label, w]) => `${label}:${w}`).join(","),
    reclaim: text(s.reclaim),
    avoidCordoned: text(s.avoidCordoned),
    nodeLossHold: text(s.nodeLossHold),
    hotStandby: text(s.hotStandby),
  };
}

/** Annotations in a fixed order; none where nothing is said. */
export function stabilityAnnotations(s: StabilityArgs | undefined): { [name: string]: string } {
  const said = Object.entries(texts(s ?? {})).flatMap(([key, v]) =>
    v === undefined ? [] : [[STABILITY_ANNOTATION[key as StabilityKey], v] as const],
  );
  return Object.fromEntries(said);
}

/** What the controller would ignore is an error here: a program says what it means. */
export function stabilityProblems(s: StabilityArgs | undefined, path: string): Problem[] {
  const fields = new Map(Object.entries(STABILITY_ANNOTATION).map(([key, name]) => [name as string, key]));
  return stabilityFindings(stabilityAnnotations(s), "").map((f) => {
    const name = /\["(.*)"\]$/.exec(f.path)?.[1] ?? "";
    const message = f.message.replace(/; it is ignored.*$/, "");
    return { ...f, severity: "error", message, path: at(path, fields.get(name) ?? name) };
  });
}
