// SPDX-License-Identifier: Apache-2.0
// What an update cannot change in place, as plain facts that stay in the state with the component. The next preview compares them with its own, so
// an edit that would replace or give up something is refused by name, with the way to do it on purpose. Pure.
import { parseRange, rangeContains } from "../controller/api";
import { at, show } from "./checks";
import { OnDestroy } from "./enums";
import { problem, type Problem } from "./problems";

export type Fact = string | number | boolean;
/** Facts by the path of the argument that says them, such as `addresses.web` → `{ tier: "PREMIUM" }`. */
export interface Fixed {
  [path: string]: { [field: string]: Fact };
}
/** What the state keeps of a component; all of it plain. */
export interface Remembered {
  fixed: Fixed;
  onDestroy: OnDestroy;
  unlocked: string[];
}

/** Facts that are plain; what is not known yet cannot be compared. */
export const facts = (fields: { [field: string]: unknown }): { [field: string]: Fact } =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([k, v]) =>
      typeof v === "string" || typeof v === "number" || typeof v === "boolean" ? [[k, v]] : [],
    ),
  );

export type Kind =
  "address" | "cluster" | "adopted" | "pool" | "network" | "namespace" | "gateway" | "route" | "definition" | "place";

/** By a whole path, or by its first part. */
const KIND: { [top: string]: Kind | undefined } = {
  addresses: "address",
  networks: "network",
  namespaces: "namespace",
  gateways: "gateway",
  gateway: "gateway",
  routes: "route",
  route: "route",
  cluster: "cluster",
  create: "cluster",
  "cluster.existing": "adopted",
  existing: "adopted",
  "controller.crds": "definition",
};
/** Kind of thing at a path of the arguments. */
export function kindOf(path: string): Kind {
  if (/(^|\.)pools[.[]/.test(path)) return "pool";
  return KIND[path] ?? KIND[path.split(/[.[]/)[0]!] ?? "place";
}

const unlock = (path: string): string => `unlocked: [${show(path)}]`;
/** What an edit in place would do, and how to do it on purpose. */
const EDIT: { [K in Kind]: (path: string) => string } = {
  address: (p) =>
    `the address would be replaced, and Google would give another one. To have another: reserve it under a new name, point the routes to it, then set ${unlock(p)}, run pulumi up, and remove this one`,
  cluster: (p) =>
    `the cluster would be replaced, with all that runs in it. On purpose: set deletionProtection: false and ${unlock(p)}, run pulumi up, and then edit`,
  adopted: (p) =>
    `everything in the cluster would be deleted there and made anew in the other one, and the addresses would reach no Pod meanwhile. Better: make a second component beside this one, and move over to it. On purpose: ${unlock(p)}`,
  pool: (p) =>
    `the node pool would be replaced, with the Pods on it. Better: add a pool under a new name, then ${unlock(p)} and remove this one. On purpose: ${unlock(p)}`,
  network: (p) =>
    `the Pod network would be made anew, and Pods on it would lose it. Better: add a network under a new name. On purpose: ${unlock(p)}`,
  namespace: (p) => `the namespace would be deleted, with all that is in it. On purpose: ${unlock(p)}`,
  gateway: (p) =>
    `the Gateway would be deleted and made anew, and its routes would lose their addresses meanwhile. On purpose: ${unlock(p)}`,
  route: (p) =>
    `the route would be deleted and made anew, and its addresses would reach no Pod meanwhile. On purpose: ${unlock(p)}`,
  definition: (p) =>
    `the definition of routes would be made anew, and every route of the cluster would go. On purpose: ${unlock(p)}`,
  place: () => "everything here would be replaced. Make a second component beside this one, and move over to it",
};
const GONE: { [K in Kind]: string | undefined } = {
  address: "the address would be given up",
  cluster: "the cluster would be deleted",
  adopted: "everything in that cluster would be deleted",
  pool: "the node pool would be deleted, with the Pods on it",
  network: "the Pod network would be deleted",
  namespace: "the namespace would be deleted, with the routes, the Pods and all else in it",
  gateway: undefined,
  route: undefined,
  definition: "the definition of routes would be deleted, and every route of the cluster with it",
  place: undefined,
};

/** A subnet may grow; every other edit of a fact is a replacement. */
function grows(kind: Kind, field: string, was: Fact, is: Fact): boolean {
  if (kind !== "network" || field !== "cidr") return false;
  const [old, now] = [parseRange(String(was)), parseRange(String(is))];
  return old !== undefined && now !== undefined && rangeContains(now, old.first) && rangeContains(now, old.last);
}

function edits(path: string, was: Fixed[string], is: Fixed[string]): Problem[] {
  const kind = kindOf(path);
  return Object.entries(was).flatMap(([field, old]) => {
    const now = is[field];
    if (now === undefined || now === old || grows(kind, field, old, now)) return [];
    const where = path === "" ? field : at(path, field);
    return [problem("Immutable", where, `is ${show(old)} and cannot become ${show(now)}: ${EDIT[kind](path)}`)];
  });
}

/** Where a thing went that is under this path no more: its parent's other form counts, such as `existing` for a cluster. */
function removal(path: string, old: Remembered): Problem[] {
  const what = GONE[kindOf(path)];
  if (what === undefined || old.onDestroy !== OnDestroy.Protect || old.unlocked.includes(path)) return [];
  return [
    problem(
      "Protected",
      path,
      `is not in the program any more, and ${what}. Put it back; on purpose: put it back with ${unlock(path)}, run pulumi up, and then remove it`,
    ),
  ];
}

/**
 * Every edit that the state speaks against.
 * @param old what the last update remembered
 * @param now what this program says
 */
export function refusedEdits(old: Remembered, now: Remembered): Problem[] {
  const renamed = new Map(
    Object.entries(now.fixed).flatMap(([path, { formerly }]) =>
      formerly === undefined ? [] : [[at("addresses", String(formerly)), path] as const],
    ),
  );
  // Where the place itself changes, everything else follows from that.
  const place = edits("", old.fixed[""] ?? {}, now.fixed[""] ?? {});
  if (place.length > 0) return place;
  return Object.entries(old.fixed).flatMap(([former, { formerly: _, ...was }]) => {
    const path = now.fixed[former] === undefined ? (renamed.get(former) ?? former) : former;
    const is = now.fixed[path];
    if (is === undefined) return removal(path, old);
    // The engine asks only the new program whether something is protected, so that what holds state must have been unlocked before.
    const holds = ["address", "cluster"].includes(kindOf(path));
    return (holds ? old : now).unlocked.some((p) => p === path || p === former) ? [] : edits(path, was, is);
  });
}

/** What Google chose is as fixed as what was asked for: writing down another value is an edit. */
export function withChosen(old: Remembered, addresses: { [key: string]: unknown }): Remembered {
  const chosen = Object.entries(addresses).flatMap(([key, address]) => {
    const was = old.fixed[at("addresses", key)];
    return was === undefined ? [] : [[at("addresses", key), { ...facts({ address }), ...was }] as const];
  });
  return { ...old, fixed: { ...old.fixed, ...Object.fromEntries(chosen) } };
}

const below = (top: string, path: string): boolean => path === top || path.startsWith(`${top}.`) || path.startsWith(`${top}[`);
/** Those of a part, for its own component. */
export const unlockedBelow = (top: string, unlocked: readonly string[] | undefined): string[] | undefined =>
  unlocked?.filter((path) => below(top, path));

/** A path that is neither that of something nor has the form of one helps nobody. */
export function unlockedProblems(unlocked: readonly string[] | undefined, allowed: readonly string[]): Problem[] {
  return (unlocked ?? []).flatMap((path, i) =>
    allowed.some((top) => below(top, path))
      ? []
      : [
          problem(
            "UnknownReference",
            `unlocked[${i}]`,
            `${show(path)} is not a path of something here; paths begin with ${allowed.join(", ")}`,
          ),
        ],
  );
}
