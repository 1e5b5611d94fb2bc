// SPDX-License-Identifier: Apache-2.0
// The node agent in the cluster, for datapath Linux only: identity, rights, DaemonSet.
import type * as pulumi from "@pulumi/pulumi";
import { DaemonSet } from "@pulumi/kubernetes/apps/v1/daemonSet";
import { ResourceQuota } from "@pulumi/kubernetes/core/v1/resourceQuota";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount";
import { ClusterRole } from "@pulumi/kubernetes/rbac/v1/clusterRole";
import { ClusterRoleBinding } from "@pulumi/kubernetes/rbac/v1/clusterRoleBinding";
import { AGENT, AGENT_LABELS, AGENT_PRIORITY, agentRules, daemonSetSpec, type AgentFacts } from "./nodeAgentPod";

/** @param dependsOn what must be there before: namespace, definitions, program */
export function nodeAgent(facts: AgentFacts & { name: string; namespace: string }, options: pulumi.CustomResourceOptions): void {
  const { name, namespace } = facts;
  const metadata = { name: AGENT, namespace, labels: AGENT_LABELS };
  const global = { name: AGENT, labels: AGENT_LABELS };
  const account = new ServiceAccount(`${name}-agent`, { metadata, automountServiceAccountToken: false }, options);
  const role = new ClusterRole(`${name}-agent`, { metadata: global, rules: agentRules() }, options);
  const binding = new ClusterRoleBinding(
    `${name}-agent`,
    {
      metadata: global,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: AGENT },
      subjects: [{ kind: "ServiceAccount", name: AGENT, namespace }],
    },
    after(options, role),
  );
  const scope = { scopeName: "PriorityClass", operator: "In", values: [AGENT_PRIORITY] };
  const quota = new ResourceQuota(
    `${name}-agent-critical-pods`,
    {
      metadata: { name: `${AGENT}-critical-pods`, namespace, labels: AGENT_LABELS },
      spec: { hard: { pods: "30000" }, scopeSelector: { matchExpressions: [scope] } },
    },
    options,
  );
  new DaemonSet(`${name}-agent`, { metadata, spec: daemonSetSpec(facts) }, after(options, account, binding, quota));
}
const after = (o: pulumi.CustomResourceOptions, ...more: pulumi.Resource[]): pulumi.CustomResourceOptions => ({
  ...o,
  dependsOn: [...((o.dependsOn ?? []) as pulumi.Input<pulumi.Resource>[]), ...more],
});
