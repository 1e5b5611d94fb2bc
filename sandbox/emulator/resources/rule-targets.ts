// SPDX-License-Identifier: Apache-2.0
// Where a forwarding rule may point: a target instance in one of the region's zones, or a backend service of the region.
import type { Call, Env } from "../env";
import { link, param, regionOfZone } from "../env";
import { invalid, notFound, required } from "../errors";
import { pathOf } from "../links";
import type { ForwardingRule, TargetInstance } from "../types";

type Pointing = Pick<ForwardingRule, "target"> & Pick<ForwardingRule, "backendService">;
type Shape = Pick<ForwardingRule, "loadBalancingScheme" | "IPProtocol" | "network">;

/** Exactly one of `target` and `backendService`. @throws ApiError naming the field */
export function pointing(call: Call, shape: Shape): Pointing {
  const { target, backendService } = call.body;
  if (target !== undefined && backendService !== undefined) {
    throw invalid("resource.backendService", backendService, "It cannot be used together with target.");
  }
  if (target === undefined && backendService === undefined) throw required("resource.target");
  return resolve(call, target === undefined ? "resource.backendService" : "resource.target", target ?? backendService, shape);
}

/**
 * What `setTarget` makes of a rule: the new target is of the same type; an INTERNAL rule may change between target
 * instance and backend service (api.md 4.2).
 */
export function retargeted(call: Call, rule: ForwardingRule): Pointing {
  if (call.body.target === undefined) throw required("resource.target");
  const next = resolve(call, "resource.target", call.body.target, rule);
  const changesType = (next.target === undefined) !== (rule.target === undefined);
  if (changesType && rule.loadBalancingScheme === "EXTERNAL") {
    throw invalid("resource.target", call.body.target, "The new target must be of the same type as the current one.");
  }
  return next;
}

function resolve(call: Call, field: string, value: unknown, shape: Shape): Pointing {
  const path = link(call, field, value, "targetInstances", "backendServices");
  if (path.split("/").at(-2) === "backendServices") return backend(call, field, path, shape);
  if (field === "resource.backendService") throw invalid(field, value, "It must name a backend service.");
  return targetInstance(call, field, path, shape);
}

function targetInstance(call: Call, field: string, path: string, shape: Shape): Pointing {
  const { env } = call;
  const region = param(call, "region");
  if (regionOfZone(env, path.split("/")[3] ?? "") !== region)
    throw invalid(field, path, `The target must be in a zone of region ${region}.`);
  const target = env.store.of("targetInstances").get(path);
  if (!target) throw notFound(path);
  if (shape.network !== undefined && networkOf(env, target) !== shape.network) {
    throw invalid(field, path, `The target's network is not the rule's network '${pathOf(shape.network)}'.`);
  }
  return { target: target.selfLink, backendService: undefined };
}

function backend(call: Call, field: string, path: string, shape: Shape): Pointing {
  const region = param(call, "region");
  if (path.split("/")[3] !== region) throw invalid(field, path, `The backend service must be in region ${region}.`);
  const service = call.env.store.of("backendServices").get(path);
  if (!service) throw notFound(path);
  if (service.loadBalancingScheme !== shape.loadBalancingScheme) {
    throw invalid(
      field,
      path,
      `Its load balancing scheme is ${service.loadBalancingScheme}, the rule's is ${shape.loadBalancingScheme}.`,
    );
  }
  const fits =
    shape.IPProtocol === "L3_DEFAULT"
      ? service.protocol === "UNSPECIFIED"
      : ["UNSPECIFIED", shape.IPProtocol].includes(service.protocol);
  if (!fits) throw invalid(field, path, `Its protocol is ${service.protocol}, the rule's is ${shape.IPProtocol}.`);
  return { backendService: service.selfLink, target: undefined };
}

/** URL of the network that a target instance receives from: its own, or that of the VM's first interface. */
function networkOf(env: Env, target: TargetInstance): string | undefined {
  return target.network ?? env.store.of("instances").get(pathOf(target.instance))?.networkInterfaces[0]?.network;
}
