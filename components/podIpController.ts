// SPDX-License-Identifier: Apache-2.0
// Our controller in the cluster: identity, exact rights, the content-addressed bundle, a Deployment of two, and the classes it answers to.
// Order is safety: everything the controller needs to clean up after itself outlives it (docs/adr/0004-destroy-order.md).
import * as pulumi from "@pulumi/pulumi";
import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource";
import { CustomResourceDefinition } from "@pulumi/kubernetes/apiextensions/v1/customResourceDefinition";
import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace";
import { ResourceQuota } from "@pulumi/kubernetes/core/v1/resourceQuota";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget";
import { ClusterRole } from "@pulumi/kubernetes/rbac/v1/clusterRole";
import { ClusterRoleBinding } from "@pulumi/kubernetes/rbac/v1/clusterRoleBinding";
import { Role } from "@pulumi/kubernetes/rbac/v1/role";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding";
import {
  addressBindingCrd,
  apiVersionOf,
  CONTROLLER,
  CONTROLLER_NAME,
  type CustomResourceDefinition as Crd,
  gkeIpRouteCrd,
  KINDS,
  NAMESPACE,
  OWN_CLASSES,
} from "../controller/api";
import type { PodIpControllerArgs } from "./argsPods";
import { readBundle } from "./bundle";
import { podIpControllerProblems } from "./checksController";
import { inherited, projectOf, projectProblems, typeOf } from "./common";
import { BUNDLE_FILE, deploymentSpec, LABELS, PRIORITY_CLASS } from "./controllerPod";
import { crdGate } from "./crdGate";
import { ControllerKind, CrdSource, Datapath, GkeClasses } from "./enums";
import { controllerFlags } from "./flags";
import { identityOf } from "./identity";
import { nodeAgent } from "./nodeAgent";
import { refuse } from "./problems";
import { clusterRules, ownRules } from "./rbac";
import { mapOwnFramesOnly } from "./stacks";

const COMPONENT = "PodIpController";

/**
 * The controller that moves the addresses (SEED-79), or nothing where Google's does.
 * @throws ArgumentError with every problem of the arguments, before anything is registered
 * @throws RunError where the package was not built
 */
export class PodIpController extends pulumi.ComponentResource {
  /** Namespace of the controller. */
  public readonly namespace: string;
  /** IAM member that the controller acts as; empty where it has no identity of its own. */
  public readonly principal: pulumi.Output<string>;
  /** SHA-256 of the program that runs; empty where none does. */
  public readonly bundleHash: string;

  constructor(name: string, args: PodIpControllerArgs, opts?: pulumi.ComponentResourceOptions) {
    refuse({ component: COMPONENT, name }, [...projectProblems(args.project), ...podIpControllerProblems(name, args)]);
    mapOwnFramesOnly();
    super(typeOf(COMPONENT), name, {}, opts);
    this.namespace = args.namespace ?? NAMESPACE;
    if (args.kind === ControllerKind.GkeManaged) {
      this.principal = pulumi.output("");
      this.bundleHash = "";
      const { namespace } = this;
      if (args.waitForCrds ?? true) crdGate({ parent: this, name, namespace, image: args.image, dependsOn: inherited(opts) });
    } else {
      const made = deploy({ parent: this, name, args, namespace: this.namespace, dependsOn: inherited(opts) });
      this.principal = made.principal;
      this.bundleHash = made.bundleHash;
    }
    this.registerOutputs({ namespace: this.namespace, principal: this.principal, bundleHash: this.bundleHash });
  }
}

/** The SDK's type of a CRD's spec; the contract's says the same with readonly lists. */
type CrdSpec = NonNullable<ConstructorParameters<typeof CustomResourceDefinition>[1]>["spec"];

interface Plan {
  parent: pulumi.Resource;
  name: string;
  args: PodIpControllerArgs;
  namespace: string;
  dependsOn: pulumi.Input<pulumi.Resource>[];
}

function deploy(plan: Plan): { principal: pulumi.Output<string>; bundleHash: string } {
  const { parent, name, args, namespace, dependsOn } = plan;
  const bundle = readBundle(args.bundlePath);
  const observe = args.kind === ControllerKind.Observe;
  const identity = identityOf({ parent, name, args, namespace });
  // An observer reads the bindings of ours as well: it is not ready before they are served, even where there never will be one.
  const crds = definitions(plan);
  const space = new Namespace(`${name}-namespace`, { metadata: { name: namespace, labels: LABELS } }, { parent, dependsOn });
  const inside = { parent, dependsOn: [...dependsOn, space] };
  const account = new ServiceAccount(
    `${name}-controller`,
    {
      metadata: { name: CONTROLLER, namespace, labels: LABELS, annotations: identity.annotations },
      automountServiceAccountToken: false,
    },
    inside,
  );
  const rights = rbac(plan, space, observe);
  const quota = priorityQuota(plan, space);
  const configMap = `${CONTROLLER}-${bundle.sha256.slice(0, 12)}`;
  const program = new ConfigMap(
    `${name}-bundle`,
    { metadata: { name: configMap, namespace, labels: LABELS }, binaryData: { [BUNDLE_FILE]: bundle.base64 }, immutable: true },
    inside,
  );
  const flags = controllerFlags<pulumi.Input<string>>({
    ...args,
    project: projectOf(args.project)!,
    namespace,
  });
  const deployment = new Deployment(
    `${name}-controller`,
    {
      metadata: { name: CONTROLLER, namespace, labels: LABELS },
      spec: deploymentSpec({ args, sha256: bundle.sha256, configMap, flags }),
    },
    {
      parent,
      dependsOn: [...inside.dependsOn, account, program, ...rights, ...quota, ...crds, ...identity.resources],
      // A new cluster's CRDs can be minutes late, and readiness waits for them.
      customTimeouts: { create: "20m", update: "15m" },
    },
  );
  new PodDisruptionBudget(
    `${name}-controller`,
    {
      metadata: { name: CONTROLLER, namespace, labels: LABELS },
      spec: { maxUnavailable: 1, selector: { matchLabels: { "app.kubernetes.io/name": CONTROLLER } } },
    },
    inside,
  );
  if (!observe) classes(plan, deployment);
  if (!observe && args.datapath === Datapath.Linux)
    nodeAgent(
      { args, sha256: bundle.sha256, configMap, name, namespace },
      { parent, dependsOn: [...inside.dependsOn, program, ...crds] },
    );
  return { principal: identity.principal, bundleHash: bundle.sha256 };
}

function definitions({ parent, name, args, dependsOn }: Plan): pulumi.Resource[] {
  const wanted: { [key: string]: Crd } = {
    addressbindings: addressBindingCrd(),
    ...(args.crds === CrdSource.Install ? { gkeiproutes: gkeIpRouteCrd() } : {}),
  };
  return Object.entries(wanted).map(
    ([key, crd]) =>
      new CustomResourceDefinition(
        `${name}-${key}`,
        { metadata: crd.metadata, spec: crd.spec as unknown as CrdSpec },
        { parent, dependsOn },
      ),
  );
}

function rbac({ parent, name, args, namespace, dependsOn }: Plan, space: Namespace, observe: boolean): pulumi.Resource[] {
  const options = { gkeClasses: args.gkeClasses === GkeClasses.IfAbsent, observe };
  const subjects = [{ kind: "ServiceAccount", name: CONTROLLER, namespace }];
  const ref = (kind: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name: CONTROLLER });
  const outside = { parent, dependsOn };
  const role = new ClusterRole(
    `${name}-controller`,
    { metadata: { name: CONTROLLER, labels: LABELS }, rules: clusterRules(options) },
    outside,
  );
  const binding = new ClusterRoleBinding(
    `${name}-controller`,
    { metadata: { name: CONTROLLER, labels: LABELS }, roleRef: ref("ClusterRole"), subjects },
    { parent, dependsOn: [...dependsOn, role] },
  );
  const own = ownRules(options);
  if (own.length === 0) return [role, binding];
  const inside = [...dependsOn, space];
  const metadata = { name: CONTROLLER, namespace, labels: LABELS };
  const ownRole = new Role(`${name}-controller`, { metadata, rules: own }, { parent, dependsOn: inside });
  const ownBinding = new RoleBinding(
    `${name}-controller`,
    { metadata, roleRef: ref("Role"), subjects },
    { parent, dependsOn: [...inside, ownRole] },
  );
  return [role, binding, ownRole, ownBinding];
}

/** GKE admits critical Pods outside kube-system only where a quota of the namespace says so. */
function priorityQuota({ parent, name, args, namespace, dependsOn }: Plan, space: Namespace): pulumi.Resource[] {
  const priority = args.priorityClass ?? PRIORITY_CLASS;
  if (priority === "") return [];
  const scope = { scopeName: "PriorityClass", operator: "In", values: [priority] };
  return [
    new ResourceQuota(
      `${name}-critical-pods`,
      {
        metadata: { name: `${CONTROLLER}-critical-pods`, namespace, labels: LABELS },
        spec: { hard: { pods: "100" }, scopeSelector: { matchExpressions: [scope] } },
      },
      { parent, dependsOn: [...dependsOn, space] },
    ),
  ];
}

/** After the Deployment, so that on the way down the running controller takes its finalizer off a class first. */
function classes({ parent, name, dependsOn }: Plan, deployment: Deployment): void {
  for (const [scope, className] of Object.entries(OWN_CLASSES))
    new CustomResource(
      `${name}-class-${scope.toLowerCase()}`,
      {
        apiVersion: apiVersionOf(KINDS.gatewayClass),
        kind: KINDS.gatewayClass.kind,
        metadata: { name: className, labels: LABELS },
        spec: { controllerName: CONTROLLER_NAME },
      },
      { parent, dependsOn: [...dependsOn, deployment], replaceOnChanges: ["spec.controllerName"], deleteBeforeReplace: true },
    );
}
