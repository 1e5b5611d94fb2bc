// SPDX-License-Identifier: Apache-2.0
// The door of the room: puts the parts together and offers them as one Fabric.
import { Addresses } from "./addresses";
import { Client } from "./client";
import { createCredentials } from "./credentials";
import { createRules } from "./fallback";
import { Operations } from "./operations";
import type { RetryPolicy } from "./retry";
import { Rules } from "./rules";
import { takeSnapshot } from "./snapshot";
import { Targets } from "./targets";
import type { ComputeConfig, Deps, Fabric } from "./types";

/**
 * The cloud side of persistent addresses, for one cluster in one project and region.
 * @param policy pauses and tries of one call; tests shorten it
 * @throws Error at once for a config that cannot work (field, value and what is right are named)
 */
export function createFabric(config: ComputeConfig, deps: Deps, policy?: RetryPolicy): Fabric {
  checkConfig(config);
  const client = new Client(config, deps, createCredentials(config.auth), policy);
  const operations = new Operations(client);
  const addresses = new Addresses(client);
  const rules = new Rules(client, operations);
  const targets = new Targets(client, operations);
  return {
    findAddress: (address, scope, vpc) => addresses.find(address, scope, vpc),
    findPrefix: (address) => addresses.prefixOf(address),
    rulesOn: (address, vpc) => rules.on(address, vpc),
    getRule: (name) => rules.get(name),
    rulesBeingMade: () => operations.insertsUnderWay("forwardingRules"),
    ensureTarget: (spec, fence) => targets.ensure(spec, fence),
    createRule: (spec, fence) => rules.create(spec, "L3_DEFAULT", fence),
    createRules: (spec, fence) => createRules(rules, spec, fence),
    setTarget: (rule, targetPath, fence) => rules.setTarget(rule, targetPath, fence),
    setGlobalAccess: (rule, allow, fence) => rules.setGlobalAccess(rule, allow, fence),
    deleteRule: (rule, fence) => rules.delete(rule, fence),
    deleteTarget: (target, fence) => targets.delete(target, fence),
    setLabels: (rule, labels, fence) => rules.setLabels(rule, labels, fence),
    snapshot: () => takeSnapshot({ client, addresses, rules, targets }),
  };
}

const NAME = /^[a-z]([-a-z0-9.:]*[a-z0-9])?$/;

function checkConfig(config: ComputeConfig): void {
  const fail = (field: string, value: unknown, right: string): never => {
    throw new Error(`compute config: ${field} is ${JSON.stringify(value)}; ${right}`);
  };
  if (!NAME.test(config.project)) fail("project", config.project, "a project id such as my-project-1 is needed");
  if (!NAME.test(config.region)) fail("region", config.region, "a region such as us-central1 is needed");
  // The uid becomes a label value, whose alphabet this is.
  if (!/^[a-z0-9_-]{1,63}$/.test(config.clusterUid))
    fail("clusterUid", config.clusterUid, "1 to 63 of a-z, 0-9, _ and - are allowed");
  if (config.rootUrl !== undefined && !/^https?:\/\/[^/]+\/$/.test(config.rootUrl))
    fail("rootUrl", config.rootUrl, 'scheme, host and "/" are needed, such as http://127.0.0.1:8080/, without compute/v1');
  if (config.concurrency !== undefined && !(config.concurrency >= 1))
    fail("concurrency", config.concurrency, "at least 1 is needed");
}
