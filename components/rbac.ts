// SPDX-License-Identifier: Apache-2.0
// What the controller may do in Kubernetes: one table, from which both roles are made. A test compares it with the verbs recorded against a real
// API server (DESIGN 9.8): no verb unused, none missing.
import { GATEWAY_GROUP, GKE_NETWORKING_GROUP, OWN_GROUP } from "../controller/api";

export interface Permission {
  group: string;
  resource: string;
  verbs: string[];
  /** Only in the controller's own namespace. */
  own?: true;
  /** Only where GatewayClasses with Google's names are wanted (gkeClasses: IfAbsent). */
  gkeClasses?: true;
}

const READ = ["list", "watch"];

export const PERMISSIONS: readonly Permission[] = [
  { group: GKE_NETWORKING_GROUP, resource: "gkeiproutes", verbs: [...READ, "patch"] },
  { group: GKE_NETWORKING_GROUP, resource: "gkeiproutes/status", verbs: ["patch"] },
  { group: GKE_NETWORKING_GROUP, resource: "networks", verbs: READ },
  { group: GKE_NETWORKING_GROUP, resource: "gkenetworkparamsets", verbs: READ },
  { group: GKE_NETWORKING_GROUP, resource: "networkinterfaces", verbs: READ },
  { group: GATEWAY_GROUP, resource: "gateways", verbs: READ },
  { group: GATEWAY_GROUP, resource: "gateways/status", verbs: ["patch"] },
  // patch: the finalizer of classes in use.
  { group: GATEWAY_GROUP, resource: "gatewayclasses", verbs: [...READ, "patch"] },
  // The version of the Gateway API CRDs.
  { group: "apiextensions.k8s.io", resource: "customresourcedefinitions", verbs: ["get"] },
  { group: GATEWAY_GROUP, resource: "gatewayclasses", verbs: ["create"], gkeClasses: true },
  { group: GATEWAY_GROUP, resource: "gatewayclasses/status", verbs: ["patch"] },
  { group: "", resource: "pods", verbs: READ },
  { group: "", resource: "nodes", verbs: READ },
  // get: the UID of kube-system is the identity of the cluster.
  { group: "", resource: "namespaces", verbs: ["get", ...READ] },
  { group: OWN_GROUP, resource: "addressbindings", verbs: [...READ, "create", "patch", "delete"] },
  { group: OWN_GROUP, resource: "addressbindings/status", verbs: ["patch"] },
  { group: "", resource: "events", verbs: ["create", "patch"] },
  { group: "coordination.k8s.io", resource: "leases", verbs: ["get", "create", "update"], own: true },
];

export interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}
export interface RbacOptions {
  gkeClasses: boolean;
  /** Watch, write nothing: only the reading verbs remain. */
  observe: boolean;
}

function rules(table: readonly Permission[], { gkeClasses, observe }: RbacOptions): Rule[] {
  const found = new Map<string, Rule>();
  for (const p of table) {
    const verbs = observe ? p.verbs.filter((v) => v === "get" || READ.includes(v)) : p.verbs;
    if (verbs.length === 0 || (p.gkeClasses && !gkeClasses)) continue;
    const key = `${p.group}/${p.resource}`;
    const rule = found.get(key) ?? { apiGroups: [p.group], resources: [p.resource], verbs: [] };
    rule.verbs.push(...verbs);
    found.set(key, rule);
  }
  return [...found.values()];
}

/** Rules of the ClusterRole. */
export const clusterRules = (o: RbacOptions): Rule[] =>
  rules(
    PERMISSIONS.filter((p) => !p.own),
    o,
  );
/** Rules of the Role in the controller's namespace. An observer takes no part in the election: it has none. */
export const ownRules = (o: RbacOptions): Rule[] =>
  o.observe
    ? []
    : rules(
        PERMISSIONS.filter((p) => p.own),
        o,
      );
