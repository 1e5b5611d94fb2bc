// SPDX-License-Identifier: Apache-2.0
// Small things that every component needs: the project, the options of children, what the destroy switch means.
import * as pulumi from "@pulumi/pulumi";
import { OnDestroy } from "./enums";
import { problem, type Problem } from "./problems";

const PREFIX = "gke-persistent-ip:index:";
/** Type token of a component; its last part is the class name (pulumi.md 2.2). */
export const typeOf = (className: string): string => `${PREFIX}${className}`;

/** The project, if it can be known without asking Google. */
export const projectOf = (project: pulumi.Input<string> | undefined): pulumi.Input<string> | undefined =>
  project ?? new pulumi.Config("gcp").get("project");
export const projectProblems = (project: pulumi.Input<string> | undefined): Problem[] =>
  projectOf(project) === undefined || projectOf(project) === ""
    ? [problem("Required", "project", `is missing; set it, or "pulumi config set gcp:project PROJECT"`)]
    : [];

/** What decides whether something may go: the switch for all, and paths that are exempt. */
export interface Keeping {
  onDestroy?: OnDestroy;
  unlocked?: string[];
}
/**
 * Options of what must not be lost: cluster, pools, networks, identities.
 * @param path of the argument that says it; left out for what nobody names
 */
export const guarded = ({ onDestroy, unlocked }: Keeping, path?: string): { protect?: boolean } =>
  (onDestroy ?? OnDestroy.Protect) === OnDestroy.Protect && !(path !== undefined && unlocked?.includes(path))
    ? { protect: true }
    : {};

/** Options of reserved addresses: deleting one gives it back to Google, for ever (DESIGN 9.2). */
export const addressOptions = (keeping: Keeping, path?: string): { protect?: boolean; retainOnDelete?: boolean } => ({
  ...guarded(keeping, path),
  ...(keeping.onDestroy === OnDestroy.Delete ? {} : { retainOnDelete: true }),
});

/**
 * A component's `dependsOn` as a list for its children: the SDK does not hand it down.
 * @returns one value that can be spread into a child's list
 */
export const inherited = (opts: pulumi.ComponentResourceOptions | undefined): pulumi.Input<pulumi.Resource>[] => {
  const d = opts?.dependsOn;
  if (d === undefined) return [];
  return (Array.isArray(d) ? d : [d]) as pulumi.Input<pulumi.Resource>[];
};

/** Labels without empties, keys sorted, so that the order in a program never shows as a difference. Undefined where there are none. */
export function tidyLabels(
  labels: { [key: string]: pulumi.Input<string> } | undefined,
): { [key: string]: pulumi.Input<string> } | undefined {
  const entries = Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Drops unset fields, so that they are neither inputs nor differences. */
export const compact = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;

/** Metadata with these annotations; nothing where there are none. */
export const annotated = (annotations: { [name: string]: string }): { annotations?: { [name: string]: string } } =>
  Object.keys(annotations).length === 0 ? {} : { annotations };
