// SPDX-License-Identifier: Apache-2.0
// What a change of the provider's own inputs means for every object it made: nothing, or a replace of all of them.
// The rule is pulumi-kubernetes' DiffConfig (pulumi.md 3.1): an unchanged clusterIdentifier clears whatever else would replace.
import { diffLeaves, under, type DiffResult } from "../diff";
import { isUnknown, same, steps, textAt, type Props } from "../value";
import { activeCluster, settingsOf } from "./kubeconfig";

const CONNECTION = ["kubeconfig", "context", "cluster"] as const;

/** Compares two sets of provider inputs; unknowns in `news` count as changed. */
export function diffConfig(olds: Props, news: Props): DiffResult {
  const changes = diffLeaves(olds, news);
  if (changes.length === 0) return { changes, replaces: [], deleteBeforeReplace: false };
  const keys = replacedKeys(olds, news, [...new Set(changes.map((c) => steps(c.path)[0] ?? ""))]);
  const replaces = changes.map((c) => c.path).filter((p) => keys.some((k) => under(p, k)));
  return { changes, replaces, deleteBeforeReplace: false };
}

function replacedKeys(olds: Props, news: Props, changed: string[]): string[] {
  const was = textAt(olds, "clusterIdentifier");
  const is = textAt(news, "clusterIdentifier");
  if (was !== undefined && was === is && !isUnknown(is)) return [];
  const identity = was !== undefined && is !== undefined && was !== is ? ["clusterIdentifier"] : [];
  const unknown = CONNECTION.filter((k) => isUnknown(news[k])).slice(0, 1);
  if (unknown.length > 0) return [...identity, ...unknown];
  return [...identity, ...(otherCluster(olds, news) ? CONNECTION.filter((k) => changed.includes(k)) : [])];
}

// Only the active cluster entry counts: another user, token or unused context is the same cluster.
function otherCluster(olds: Props, news: Props): boolean {
  const before = clusterOrNothing(olds);
  const after = clusterOrNothing(news);
  return before !== undefined && after !== undefined && !same(before, after);
}

function clusterOrNothing(inputs: Props): Props | undefined {
  try {
    return activeCluster(settingsOf(inputs));
  } catch {
    return undefined; // not YAML: nothing to compare, Configure will say so
  }
}
