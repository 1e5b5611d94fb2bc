// SPDX-License-Identifier: Apache-2.0
// Short questions to the true state of the cloud.
import { ownerPrefix } from "../../../controller/api";
import type { CloudModel, Rule } from "../models/cloud";

/** The rule on an address, whoever made it. */
export const ruleAt = (cloud: CloudModel, address: string): Rule | undefined =>
  [...cloud.rules.values()].find((r) => r.IPAddress === address);
export const isForeign = (rule: Rule): boolean => rule.name.startsWith("foreign");
/** Marks of ours, whatever the cluster. */
export const isOurs = (o: { description?: unknown }): boolean =>
  (typeof o.description === "string" ? o.description : "").startsWith(ownerPrefix("").replace(/=.*/, ""));
/** VM that a rule points at: zone and name. */
export function vmOfRule(cloud: CloudModel, rule: Rule | undefined): { zone: string; instance: string } | undefined {
  const target = rule && cloud.targets.get(pathOf(rule.target));
  return target && vmOfUrl(target.instance);
}
/** Whether the target of a rule was made for a VM of which another one has the name by now (E20). */
export function isOutlived(cloud: CloudModel, rule: Rule | undefined): boolean {
  const target = rule && cloud.targets.get(pathOf(rule.target));
  const vm = target && cloud.instances.get(pathOf(target.instance));
  const madeAt = (o: object | undefined): number => Date.parse(String((o as { creationTimestamp?: unknown }).creationTimestamp));
  return vm !== undefined && madeAt(vm) > madeAt(target);
}
export function vmOfUrl(url: string): { zone: string; instance: string } {
  const [, zone = "", instance = ""] = /zones\/([^/]+)\/instances\/([^/]+)$/.exec(url) ?? [];
  return { zone, instance };
}
export const pathOf = (url: string): string => url.slice(Math.max(0, url.indexOf("projects/")));
