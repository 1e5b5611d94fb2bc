// SPDX-License-Identifier: Apache-2.0
// Whose is a cloud object? Rules carry labels; target instances cannot, so owner and cluster also open every description.
// A name of ours without our marks is foreign: names can be guessed or left over, marks are written on purpose (E25, E49, E67).
import { CLUSTER_LABEL, OWNER_LABEL, OWNER_VALUE, ownerPrefix } from "../api/names";

type Labels = Readonly<Record<string, string>>;

/** The description that marks an object of this cluster; text that has the mark already stays as it is. */
export function ownedDescription(clusterUid: string, text: string): string {
  return descriptionIsOurs(clusterUid, text) ? text : `${ownerPrefix(clusterUid)} ${text}`.trim();
}

/** The labels that mark a rule of this cluster, over `labels`. */
export const ownedLabels = (clusterUid: string, labels: Labels): Record<string, string> => ({
  ...labels,
  [OWNER_LABEL]: OWNER_VALUE,
  [CLUSTER_LABEL]: clusterUid,
});

/** True when the description opens with owner and cluster, as whole words: cluster `ab` is not cluster `abc`. */
export function descriptionIsOurs(clusterUid: string, description: string | undefined): boolean {
  const mark = ownerPrefix(clusterUid);
  return description === mark || (description?.startsWith(`${mark} `) ?? false);
}

/** True when both labels name this cluster. */
export const labelsAreOurs = (clusterUid: string, labels: Labels): boolean =>
  labels[OWNER_LABEL] === OWNER_VALUE && labels[CLUSTER_LABEL] === clusterUid;

/**
 * Is a forwarding rule ours? Labels decide. A rule without any owner label is judged by its description, because labels may be
 * written after the rule is made, and a crash between the two must not orphan it.
 */
export function ruleIsOurs(clusterUid: string, rule: { labels: Labels; description?: string }): boolean {
  const unlabelled = rule.labels[OWNER_LABEL] === undefined && rule.labels[CLUSTER_LABEL] === undefined;
  return unlabelled ? descriptionIsOurs(clusterUid, rule.description) : labelsAreOurs(clusterUid, rule.labels);
}

/** Is a target instance ours? Only its description can tell. */
export const targetIsOurs = (clusterUid: string, target: { description?: string }): boolean =>
  descriptionIsOurs(clusterUid, target.description);
