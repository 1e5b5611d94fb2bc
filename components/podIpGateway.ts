// SPDX-License-Identifier: Apache-2.0
// Gateways that offer addresses to the routes of some namespaces (SEED-40). Sixteen at most each, so more are split over several.
import * as pulumi from "@pulumi/pulumi";
import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource";
import { apiVersionOf, CIDR_ADDRESS_TYPE, KINDS } from "../controller/api";
import type { PodIpGatewayArgs } from "./argsPods";
import { at } from "./checks";
import { addressValueProblems, classFor, listenersOf, podIpGatewayProblems } from "./checksPods";
import { annotated, inherited, typeOf } from "./common";
import { facts } from "./fixed";
import { splitAddresses, splitName } from "./gatewaySplit";
import { guard } from "./guard";
import { checkedLater, refuse } from "./problems";
import { stabilityAnnotations } from "./stability";

const COMPONENT = "PodIpGateway";

/**
 * Gateways of one scope (SEED-21, SEED-43, SEED-44, SEED-48).
 * @throws ArgumentError with every problem of the arguments, before anything is registered
 */
export class PodIpGateway extends pulumi.ComponentResource {
  /** Names of the Gateway objects, by the names of the addresses. */
  public readonly gatewayNames: { [address: string]: string };
  /** Namespace of the Gateway objects. */
  public readonly namespace: string;
  /** GatewayClass of the Gateway objects. */
  public readonly className: string;

  constructor(name: string, args: PodIpGatewayArgs, opts?: pulumi.ComponentResourceOptions) {
    refuse({ component: COMPONENT, name }, podIpGatewayProblems(name, args));
    const [namespace, className] = [args.namespace ?? "default", classFor(args.scope, args.controller, args.className)];
    const { inputs, opts: options } = guard({ component: COMPONENT, name }, opts, {
      fixed: { gateway: facts({ gatewayName: args.gatewayName ?? name, namespace, className }) },
      unlocked: args.unlocked ? ["gateway"] : [],
    });
    super(typeOf(COMPONENT), name, inputs, options);
    this.namespace = namespace;
    this.className = className;
    this.gatewayNames = {};
    const bins = splitAddresses(Object.keys(args.addresses), args.together);
    bins.forEach((keys, n) => {
      const gateway = splitName(args.gatewayName ?? name, n);
      for (const key of keys) this.gatewayNames[key] = gateway;
      registerGateway(this, splitName(name, n), { name, args, keys, gateway, dependsOn: inherited(opts) });
    });
    this.registerOutputs({ gatewayNames: this.gatewayNames, namespace: this.namespace, className: this.className });
  }
}

interface Plan {
  name: string;
  args: PodIpGatewayArgs;
  keys: string[];
  gateway: string;
  dependsOn: pulumi.Input<pulumi.Resource>[];
}

function registerGateway(parent: PodIpGateway, resource: string, plan: Plan): void {
  const where = { component: COMPONENT, name: plan.name };
  const addresses = plan.keys.map((key) => {
    const checked = checkedLater(where, plan.args.addresses[key]!, (v) => addressValueProblems(v, at("addresses", key)));
    return { type: CIDR_ADDRESS_TYPE, value: cidr(checked) };
  });
  new CustomResource(
    resource,
    {
      apiVersion: apiVersionOf(KINDS.gateway),
      kind: KINDS.gateway.kind,
      metadata: { name: plan.gateway, namespace: parent.namespace, ...annotated(stabilityAnnotations(plan.args.stability)) },
      spec: { gatewayClassName: parent.className, listeners: listenersOf(plan.args.listeners), addresses },
    },
    // A Gateway keeps its class as long as routes use it (api.md 1.6): another class is another Gateway.
    { parent, dependsOn: plan.dependsOn, replaceOnChanges: ["spec.gatewayClassName"], deleteBeforeReplace: true },
  );
}

/** The /32 form of an address, plain where the address is plain (SEED-58). */
export function cidr(address: pulumi.Input<string>): pulumi.Input<string> {
  const form = (a: string): string => (a.includes("/") ? a : `${a}/32`);
  return typeof address === "string" ? form(address) : pulumi.output(address).apply(form);
}
