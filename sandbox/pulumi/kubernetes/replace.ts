// SPDX-License-Identifier: Apache-2.0
// Which inputs of an object cannot be changed in place. One line per kind; source: pulumi-kubernetes provider/pkg/provider/diff.go
// (pulumi.md 3.1) and the API server's own update validation.
import { textAt, type Props } from "../value";
import type { ProviderSettings } from "./kubeconfig";

const ALWAYS = ["kind", "metadata.name", "metadata.namespace"];
const SELECTOR = ["spec.selector"];

const TABLE: Readonly<Record<string, readonly string[]>> = {
  "apps/Deployment": SELECTOR,
  "apps/DaemonSet": SELECTOR,
  "apps/ReplicaSet": SELECTOR,
  "apps/StatefulSet": ["spec.selector", "spec.serviceName", "spec.podManagementPolicy", "spec.volumeClaimTemplates"],
  "batch/Job": ["spec.selector", "spec.template", "spec.completions", "spec.completionMode"],
  "rbac.authorization.k8s.io/ClusterRoleBinding": ["roleRef"],
  "rbac.authorization.k8s.io/RoleBinding": ["roleRef"],
  "storage.k8s.io/StorageClass": ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"],
  "/PersistentVolumeClaim": ["spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"],
  "/ResourceQuota": ["spec.scopes"],
  "/Service": ["spec.clusterIP"],
};

/** Paths of this object whose change needs a new object. */
export function immutablePaths(inputs: Props, settings: ProviderSettings): string[] {
  const apiVersion = textAt(inputs, "apiVersion") ?? "";
  const group = apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
  const key = `${group}/${textAt(inputs, "kind") ?? ""}`;
  return [...ALWAYS, ...(TABLE[key] ?? []), ...switched(key, settings)];
}

function switched(key: string, settings: ProviderSettings): string[] {
  if (key === "/ConfigMap") return settings.configMapMutable ? [] : ["data", "binaryData"];
  if (key === "/Secret") return settings.secretMutable ? ["type"] : ["type", "data", "stringData"];
  return [];
}
