// SPDX-License-Identifier: Apache-2.0
// Programs of the suites. Each step's edit comes as environment variables of the CLI, as a shell would set them.

/** A cluster with what belongs to it: 6 gcp resources, 2 providers' worth of settings, and Kubernetes objects in a namespace of its own. */
export const cycleProgram = (namespace: string): string => `
import * as pulumi from "@pulumi/pulumi";
import { Network, Subnetwork, Address } from "@pulumi/gcp/compute";
import { Cluster, NodePool } from "@pulumi/gcp/container";
import * as k8s from "@pulumi/kubernetes";
const E = process.env;
const region = "us-central1";
const protect = E.PROTECT === "1";
const net = new Network("net", { name: "${namespace}", autoCreateSubnetworks: false });
const sub = new Subnetwork("sub", { name: "${namespace}", network: net.id, region, ipCidrRange: "10.20.0.0/20",
  secondaryIpRanges: [{ rangeName: "pods", ipCidrRange: "10.64.0.0/14" }, { rangeName: "services", ipCidrRange: "10.68.0.0/20" }] });
const web = new Address("web", { name: "${namespace}-web", region, labels: { team: E.TEAM ?? "a" }, description: E.DESCRIPTION }, { protect });
const cluster = new Cluster("cluster", { name: "${namespace}", location: region, network: net.id, subnetwork: sub.id,
  datapathProvider: E.DATAPATH ?? "ADVANCED_DATAPATH", enableMultiNetworking: E.DATAPATH === undefined, networkingMode: "VPC_NATIVE",
  ipAllocationPolicy: { clusterSecondaryRangeName: "pods", servicesSecondaryRangeName: "services" },
  releaseChannel: { channel: E.CHANNEL ?? "REGULAR" }, resourceLabels: { team: E.TEAM ?? "a" },
  removeDefaultNodePool: true, initialNodeCount: 1, deletionProtection: E.DELETABLE !== "1" }, { ignoreChanges: ["initialNodeCount", "nodePools", "nodeVersion"] });
const pool = new NodePool("pool", { name: "edge", cluster: cluster.id, nodeCount: Number(E.NODES ?? 1) });
const kubeconfig = pulumi.all([cluster.name, cluster.endpoint, cluster.masterAuth.clusterCaCertificate]).apply(([name, endpoint, ca]) => JSON.stringify({
  apiVersion: "v1", kind: "Config", "current-context": name, contexts: [{ name, context: { cluster: name, user: name } }],
  clusters: [{ name, cluster: { server: "https://" + endpoint, "certificate-authority-data": ca } }],
  users: [{ name, user: { exec: { apiVersion: "client.authentication.k8s.io/v1beta1", command: "gke-gcloud-auth-plugin" } } }] }));
const identifier = E.NO_IDENTIFIER ? {} : { clusterIdentifier: "${namespace}" };
const provider = new k8s.Provider("k8s", { kubeconfig, ...identifier }, { dependsOn: pool });
const ns = new k8s.core.v1.Namespace("ns", { metadata: { name: "${namespace}" } }, { provider });
const o = { provider, parent: ns };
const namespace = ns.metadata.name;
new k8s.core.v1.ConfigMap("settings", { metadata: { name: "settings", namespace }, data: { level: E.LEVEL ?? "info", address: web.address } }, o);
new k8s.core.v1.Secret("password", { metadata: { name: "password", namespace }, stringData: { pw: pulumi.secret("correct-horse-battery") } }, o);
const labels = { app: "proxy" };
new k8s.apps.v1.Deployment("proxy", { metadata: { name: "proxy", namespace }, spec: { replicas: Number(E.REPLICAS ?? 2), selector: { matchLabels: labels },
  template: { metadata: { labels }, spec: { containers: [{ name: "c", image: E.IMAGE ?? "proxy:1", resources: { requests: { cpu: "1000m" } } }] } } } }, o);
const crd = new k8s.apiextensions.v1.CustomResourceDefinition("crd", { metadata: { name: "gizmos.${namespace}.example" }, spec: {
  group: "${namespace}.example", scope: "Namespaced", names: { plural: "gizmos", singular: "gizmo", kind: "Gizmo" }, versions: [{ name: "v1", served: true, storage: true,
  schema: { openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties: {
    size: { type: "integer", minimum: 1, default: 7 },
    address: { type: "string", "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "address is immutable" }] } } } } } } }] } }, { provider });
const gizmo = new k8s.apiextensions.CustomResource("gizmo", { apiVersion: "${namespace}.example/v1", kind: "Gizmo", metadata: { name: "gizmo", namespace },
  spec: { address: E.GIZMO ?? "192.0.2.1", ...(E.SIZE ? { size: Number(E.SIZE) } : {}) } }, { ...o, dependsOn: crd });
export const address = web.address;
export const email = pulumi.interpolate\`at \${web.address}\`;
export const size = (gizmo as any).spec.size;
`;

/** Objects of Kubernetes only, through a provider that is given a whole kubeconfig in KUBE. */
export const kubeProgram = (body: string): string => `
import * as pulumi from "@pulumi/pulumi";
import * as k8s from "@pulumi/kubernetes";
const E = process.env;
const provider = new k8s.Provider("k8s", { kubeconfig: E.KUBE!, clusterIdentifier: "one", upsertExistingObjects: E.UPSERT === "1" ? true : undefined });
const o = { provider };
${body}
`;
