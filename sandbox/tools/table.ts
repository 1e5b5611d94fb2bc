// SPDX-License-Identifier: Apache-2.0
// The programs that the sandbox runs and did not write: where each comes from, and which versions found by chance on PATH will do.

/** `nodes` is asked for only where real kubelets run, `languages` for programs that are not Node.js; the others make up the ordinary sandbox. */
export type Group = "kubernetes" | "pulumi" | "nodes" | "languages";
export const GROUPS: readonly Group[] = ["kubernetes", "pulumi", "nodes", "languages"];

/** A file of a Go module. */
export interface Script {
  module: string;
  path: string;
}

export interface ToolSpec {
  /** Key in `Tools`. */
  key: ToolKey;
  /** File name to look for. */
  binary: string;
  group: Group;
  /** Go module folder below sandbox/tools that builds it, and the package. */
  module: "." | "kwok" | "kubelet" | "python" | "yaml";
  goPackage: string;
  /** Name `go install` gives the file, where it differs. */
  builtAs?: string;
  /** Is put beside the program. */
  script?: Script;
  versionArgs: string[];
  /** Lowest and highest `major.minor` accepted from PATH (a folder named by KUBEBUILDER_ASSETS is taken as it is). */
  accept: { min: [number, number]; max?: [number, number] };
}

export type ToolKey =
  | "etcd"
  | "kubeApiserver"
  | "kubeControllerManager"
  | "kubeScheduler"
  | "kubectl"
  | "kwok"
  | "pulumi"
  | "kubelet"
  | "pulumiPython"
  | "pulumiYaml";

const SDK = "github.com/pulumi/pulumi/sdk/v3";

// Kubernetes' version skew policy: controllers up to one minor older than the API server, kubectl one minor either way.
const KUBE = { min: [1, 34] as [number, number], max: [1, 34] as [number, number] };
const kube = (key: ToolKey, binary: string): ToolSpec => ({
  key,
  binary,
  group: "kubernetes",
  module: ".",
  goPackage: `k8s.io/kubernetes/cmd/${binary}`,
  versionArgs: ["--version"],
  accept: KUBE,
});

export const TOOLS: readonly ToolSpec[] = [
  {
    key: "etcd",
    binary: "etcd",
    group: "kubernetes",
    module: ".",
    goPackage: "go.etcd.io/etcd/server/v3",
    builtAs: "server",
    versionArgs: ["--version"],
    accept: { min: [3, 5] },
  },
  kube("kubeApiserver", "kube-apiserver"),
  kube("kubeControllerManager", "kube-controller-manager"),
  kube("kubeScheduler", "kube-scheduler"),
  // A module of its own: the pins of the others, and with them their cache, stay as they are.
  { ...kube("kubelet", "kubelet"), group: "nodes", module: "kubelet" },
  { ...kube("kubectl", "kubectl"), versionArgs: ["version", "--client"], accept: { min: [1, 33], max: [1, 35] } },
  {
    key: "kwok",
    binary: "kwok",
    group: "kubernetes",
    module: "kwok",
    goPackage: "sigs.k8s.io/kwok/cmd/kwok",
    versionArgs: ["--version"],
    accept: { min: [0, 7] },
  },
  {
    key: "pulumi",
    binary: "pulumi",
    group: "pulumi",
    module: ".",
    goPackage: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    versionArgs: ["version"],
    // Not older than the Node SDK that package.json pins.
    accept: { min: [3, 248] },
  },
  // Pulumi's own language hosts. That of Python is of the last version that was part of a published Go module. They cannot tell their version,
  // so none from PATH is taken; the CLI prefers those that lie beside it, as in an ordinary installation.
  {
    key: "pulumiPython",
    binary: "pulumi-language-python",
    group: "languages",
    module: "python",
    goPackage: `${SDK}/python/cmd/pulumi-language-python`,
    script: { module: SDK, path: "python/cmd/pulumi-language-python-exec" },
    versionArgs: ["version"],
    accept: { min: [3, 0] },
  },
  {
    key: "pulumiYaml",
    binary: "pulumi-language-yaml",
    group: "languages",
    module: "yaml",
    goPackage: "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",
    versionArgs: ["version"],
    accept: { min: [1, 0] },
  },
];

/** Folder of CRD manifests, the module it comes from, the folder in that module, and which files of it (all if not given). */
export const CRDS = {
  gatewayApi: { folder: "gateway-api", module: "sigs.k8s.io/gateway-api", path: "config/crd/standard", files: undefined },
  network: {
    folder: "network",
    module: "github.com/GoogleCloudPlatform/gke-networking-api",
    path: "config/crds",
    files: [
      "networking.gke.io_networks.yaml",
      "networking.gke.io_gkenetworkparamsets.yaml",
      "networking.gke.io_networkinterfaces.yaml",
    ],
  },
} as const;

/** `[major, minor]` of the first version number in a program's output, or undefined. */
export function parseVersion(output: string): [number, number] | undefined {
  const match = /v?(\d+)\.(\d+)(?:\.\d+)?/.exec(output);
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

/** Whether a version lies in the accepted span, both ends included. */
export function accepted(spec: Pick<ToolSpec, "accept">, version: [number, number]): boolean {
  const { min, max } = spec.accept;
  return compare(version, min) >= 0 && (max === undefined || compare(version, max) <= 0);
}

function compare(a: [number, number], b: [number, number]): number {
  return a[0] - b[0] || a[1] - b[1];
}
