// SPDX-License-Identifier: Apache-2.0
// Stability: the annotations that make an address move less often than GKE moves it. All are opt-in; without any of them the newest Ready Pod
// takes over at once, as on GKE (SEED-9). Set on a route, or on its Gateway as the default of its routes. docs/stability.md explains each.
import { warning, type Finding } from "./findings";
import { HISTORY_LIMIT } from "./binding";
import { OWN_GROUP } from "./names";
import type { Labels } from "./selector";

export const STABILITY_ANNOTATION = {
  sticky: `${OWN_GROUP}/sticky`,
  minDwellSeconds: `${OWN_GROUP}/min-dwell-seconds`,
  moveBudget: `${OWN_GROUP}/move-budget`,
  preferredPods: `${OWN_GROUP}/preferred-pods`,
  reclaim: `${OWN_GROUP}/reclaim`,
  avoidCordoned: `${OWN_GROUP}/avoid-cordoned`,
  nodeLossHold: `${OWN_GROUP}/node-loss-hold`,
  hotStandby: `${OWN_GROUP}/hot-standby`,
  moveTo: `${OWN_GROUP}/move-to`,
} as const;
export type StabilityKey = keyof typeof STABILITY_ANNOTATION;

export interface PreferredLabel {
  key: string;
  value: string;
  /** 1..100; the weights of all labels that a Pod has are added up. */
  weight: number;
}
export interface StabilityPolicy {
  /** Keep the holder while it can be selected, whatever else could be. */
  sticky: boolean;
  /** No planned move within so many seconds of the last one. 0: off. */
  minDwellSeconds: number;
  /** Planned moves wait while this many moves lie within the window. */
  moveBudget?: { moves: number; windowSeconds: number };
  preferredPods: PreferredLabel[];
  /** A Pod of more weight takes the address back; else it waits until the holder is lost. */
  reclaim: boolean;
  /** Prefer Pods on nodes that are not cordoned, and move off a node that gets cordoned, before its Pods are evicted. */
  avoidCordoned: boolean;
  /** Hold still while many nodes are lost at once; `false` is the override. */
  nodeLossHold: boolean;
  /** On how many other nodes the next best Pods are prepared ahead (datapath linux). 0: off. */
  hotStandby: number;
  /**
   * Name of the Pod that somebody asked to have the address (`kubectl persistent-ip move`). It goes before everything else while it can be
   * selected; it is never waited for. Read on the route only: a Gateway's routes have not all one Pod.
   */
  moveTo?: string;
}
export const DEFAULT_STABILITY: StabilityPolicy = {
  sticky: false,
  minDwellSeconds: 0,
  preferredPods: [],
  reclaim: false,
  avoidCordoned: false,
  nodeLossHold: true,
  hotStandby: 0,
};

type Read<T> = { ok: true; value: T } | { ok: false };
const MOST_SECONDS = 86_400;
/** Most standbys of an address: each costs its node a route and a rule, and an entry in the journal. */
export const MOST_STANDBYS = 4;
const whole = (text: string, least: number, most: number): Read<number> => {
  const n = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  return n >= least && n <= most ? { ok: true, value: n } : { ok: false };
};
const flag = (text: string): Read<boolean> =>
  text === "true" || text === "false" ? { ok: true, value: text === "true" } : { ok: false };

function budget(text: string): Read<{ moves: number; windowSeconds: number }> {
  const [moves, windowSeconds, ...more] = text.split("/");
  const n = whole(moves ?? "", 1, HISTORY_LIMIT);
  const s = whole(windowSeconds ?? "", 1, MOST_SECONDS);
  return n.ok && s.ok && more.length === 0 ? { ok: true, value: { moves: n.value, windowSeconds: s.value } } : { ok: false };
}

const TERM = /^([A-Za-z0-9./_-]{1,317})=([A-Za-z0-9._-]{0,63}):(\d{1,3})$/;
const MOST_TERMS = 16;
function preferred(text: string): Read<PreferredLabel[]> {
  const terms = text.split(",").map((t) => t.trim());
  const found = terms.flatMap((term): PreferredLabel[] => {
    const m = TERM.exec(term);
    const weight = whole(m?.[3] ?? "", 1, 100);
    return m && weight.ok ? [{ key: m[1]!, value: m[2]!, weight: weight.value }] : [];
  });
  return found.length === terms.length && terms.length <= MOST_TERMS ? { ok: true, value: found } : { ok: false };
}

/** Names of Pods: DNS subdomains (RFC 1123). */
const POD_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const ROUTE_ONLY: readonly StabilityKey[] = ["moveTo"];

interface Spec<K extends StabilityKey> {
  read(text: string): Read<NonNullable<StabilityPolicy[K]>>;
  allowed: string;
  fallback: string;
}
const BOOLEAN = '"true" or "false"';
const SPECS: { readonly [K in StabilityKey]: Spec<K> } = {
  sticky: { read: flag, allowed: BOOLEAN, fallback: "false" },
  minDwellSeconds: {
    read: (t) => whole(t, 0, MOST_SECONDS),
    allowed: `a whole number of seconds from 0 to ${MOST_SECONDS}`,
    fallback: "0",
  },
  moveBudget: {
    read: budget,
    allowed: `MOVES/SECONDS such as "3/600", with 1 to ${HISTORY_LIMIT} moves in 1 to ${MOST_SECONDS} seconds`,
    fallback: "no budget",
  },
  preferredPods: {
    read: preferred,
    allowed: `label=value:weight, separated by commas, such as "role=primary:100,role=warm:10", with weights from 1 to 100 and at most ${MOST_TERMS} of them`,
    fallback: "no preference",
  },
  reclaim: { read: flag, allowed: BOOLEAN, fallback: "false" },
  avoidCordoned: { read: flag, allowed: BOOLEAN, fallback: "false" },
  nodeLossHold: { read: flag, allowed: BOOLEAN, fallback: "true" },
  hotStandby: {
    read: (t) => whole(t, 0, MOST_STANDBYS),
    allowed: `a whole number of nodes from 0 to ${MOST_STANDBYS}`,
    fallback: "0",
  },
  moveTo: {
    read: (t) => (t.length <= 253 && POD_NAME.test(t) ? { ok: true, value: t } : { ok: false }),
    allowed: "the name of a Pod: lower case letters, digits, dashes and dots, at most 253 characters",
    fallback: "no Pod",
  },
};
/** What each annotation takes, in words, for documents and the command line. */
export const stabilityAllowed = (key: StabilityKey): { allowed: string; fallback: string } => {
  const { allowed, fallback } = SPECS[key];
  return { allowed, fallback };
};
const KEYS = Object.keys(STABILITY_ANNOTATION) as StabilityKey[];
type Annotations = Readonly<Record<string, string>> | undefined;

/**
 * Findings of the annotations of one route or Gateway: a wrong value, and a name of our group that does not exist. Warnings only: the object
 * keeps working with the default.
 * @param path for messages, such as `metadata.annotations`
 */
export function stabilityFindings(annotations: Annotations, path = "metadata.annotations"): Finding[] {
  const known: readonly string[] = Object.values(STABILITY_ANNOTATION);
  const found: Finding[] = [];
  for (const key of KEYS) {
    const text = annotations?.[STABILITY_ANNOTATION[key]];
    if (text === undefined || SPECS[key].read(text).ok) continue;
    const { allowed, fallback } = SPECS[key];
    const at = `${path}["${STABILITY_ANNOTATION[key]}"]`;
    found.push(
      warning(
        "StabilityValue",
        at,
        `${JSON.stringify(text)} is not ${allowed}; it is ignored, and the default (${fallback}) is used`,
      ),
    );
  }
  for (const name of Object.keys(annotations ?? {}).sort())
    if (name.startsWith(`${OWN_GROUP}/`) && !known.includes(name))
      found.push(
        warning("UnknownAnnotation", `${path}["${name}"]`, `is not an annotation of this project; there are ${known.join(", ")}`),
      );
  return found;
}

/**
 * What holds for a route: its own annotation, else its Gateway's, else the default. A value that cannot be read counts as not set.
 * @param sources annotations, the most specific first
 */
export function stabilityPolicy(...sources: readonly Annotations[]): StabilityPolicy {
  const policy: Record<string, unknown> = { ...DEFAULT_STABILITY };
  for (const key of KEYS)
    for (const annotations of ROUTE_ONLY.includes(key) ? sources.slice(0, 1) : sources) {
      const text = annotations?.[STABILITY_ANNOTATION[key]];
      const read = text === undefined ? undefined : SPECS[key].read(text);
      if (!read?.ok) continue;
      policy[key] = read.value;
      break;
    }
  return policy as unknown as StabilityPolicy;
}

/** Sum of the weights of the labels that a Pod has. */
export const weightOf = (labels: Labels, preferredPods: readonly PreferredLabel[]): number =>
  preferredPods.reduce((sum, { key, value, weight }) => sum + (labels[key] === value ? weight : 0), 0);
