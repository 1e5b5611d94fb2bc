// SPDX-License-Identifier: Apache-2.0
// One GKEIPRoute: addresses that follow the Pods of a selector (SEED-54). It is deleted for real, never with the cluster: the running controller
// has to see its deletion to take the forwarding rules away (docs/adr/0004-destroy-order.md).
import * as pulumi from "@pulumi/pulumi";
import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource";
import { apiVersionOf, IMMUTABLE_ROUTE_FIELDS, KINDS } from "../controller/api";
import type { PodIpRouteArgs } from "./argsPods";
import { addressValueProblems, podIpRouteProblems, routeSpecOf } from "./checksPods";
import { annotated, inherited, typeOf } from "./common";
import { routeFacts } from "./fixedFacts";
import { guard } from "./guard";
import { cidr } from "./podIpGateway";
import { checkedLater, refuse } from "./problems";
import { stabilityAnnotations } from "./stability";

const COMPONENT = "PodIpRoute";

/**
 * A route from persistent addresses to one Pod (SEED-23, SEED-55, SEED-60, SEED-66).
 * @throws ArgumentError with every problem of the arguments, before anything is registered
 */
export class PodIpRoute extends pulumi.ComponentResource {
  /** Name of the GKEIPRoute object. */
  public readonly routeName: string;
  /** Namespace of the GKEIPRoute object and its Pods. */
  public readonly namespace: string;

  constructor(name: string, args: PodIpRouteArgs, opts?: pulumi.ComponentResourceOptions) {
    const where = { component: COMPONENT, name };
    refuse(where, podIpRouteProblems(name, args));
    const { inputs, opts: options } = guard(where, opts, {
      fixed: { route: routeFacts(name, args) },
      unlocked: args.unlocked ? ["route"] : [],
    });
    super(typeOf(COMPONENT), name, inputs, options);
    this.routeName = args.routeName ?? name;
    this.namespace = args.namespace ?? "default";
    const addresses = args.addresses.map((a, i) =>
      cidr(checkedLater(where, a, (v) => addressValueProblems(v, `addresses[${i}]`))),
    );
    new CustomResource(
      name,
      {
        apiVersion: apiVersionOf(KINDS.route),
        kind: KINDS.route.kind,
        metadata: {
          name: this.routeName,
          namespace: this.namespace,
          ...annotated({
            // Accepted, never Ready: with no Pod yet, Ready would hang for ten minutes (pulumi.md 11.26).
            ...((args.waitForAccepted ?? true) ? { "pulumi.com/waitFor": "condition=Accepted" } : {}),
            ...stabilityAnnotations(args.stability),
          }),
        },
        spec: routeSpecOf({ ...args, namespace: this.namespace }, addresses),
      },
      {
        parent: this,
        dependsOn: inherited(opts),
        replaceOnChanges: IMMUTABLE_ROUTE_FIELDS.map((f) => `spec.${f}`),
        deleteBeforeReplace: true,
      },
    );
    this.registerOutputs({ routeName: this.routeName, namespace: this.namespace });
  }
}
