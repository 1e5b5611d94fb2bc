// SPDX-License-Identifier: Apache-2.0
// Zonal target instances: one VM (and one of its networks). They cannot be changed, only made and deleted.
import { copied, type Identity, oneOf } from "../checks";
import { aggregatedRow, deleteRow, getRow, insertRow, listRow, testPermissionsRow } from "../crud";
import type { Call, Env, Row } from "../env";
import { hostedLink, link, param } from "../env";
import { inUse, invalid, notFound, required } from "../errors";
import { pathOf, selfLink } from "../links";
import type { Instance, TargetInstance } from "../types";

export const TARGET_INSTANCE_ROWS: readonly Row[] = [
  aggregatedRow("targetInstances"),
  getRow("targetInstances"),
  listRow("targetInstances"),
  insertRow("targetInstances", build),
  deleteRow("targetInstances", refuseInUse),
  testPermissionsRow("targetInstances"),
];

function build(call: Call, identity: Identity): TargetInstance {
  const { body } = call;
  const natPolicy = oneOf("resource.natPolicy", body.natPolicy, ["NO_NAT"], "NO_NAT");
  const instance = instanceOf(call);
  return {
    ...identity,
    ...copied(body, ["description"]),
    instance: instance.selfLink,
    natPolicy,
    ...networkOf(call, instance),
  };
}

function instanceOf(call: Call): Instance {
  if (call.body.instance === undefined) throw required("resource.instance");
  const path = link(call, "resource.instance", call.body.instance, "instances");
  if (path.split("/")[3] !== param(call, "zone"))
    throw invalid("resource.instance", path, `It must be in zone ${param(call, "zone")}.`);
  const instance = call.env.store.of("instances").get(path);
  if (!instance) throw notFound(path);
  return instance;
}

function networkOf(call: Call, instance: Instance): { network?: string } {
  if (call.body.network === undefined) return {};
  const path = hostedLink(call, "resource.network", call.body.network, "networks");
  if (!call.env.store.of("networks").get(path)) throw notFound(path);
  const url = selfLink(path);
  if (!instance.networkInterfaces.some((nic) => nic.network === url)) {
    const have = instance.networkInterfaces.map((nic) => pathOf(nic.network)).join(", ");
    throw invalid("resource.network", path, `Instance '${instance.name}' has no interface in it; it has: ${have}.`);
  }
  return { network: url };
}

function refuseInUse(env: Env, target: TargetInstance): void {
  const path = pathOf(target.selfLink);
  const [rule] = env.store.of("forwardingRules").by("target", path);
  if (rule) throw inUse("target_instance", path, pathOf(rule.selfLink));
}
