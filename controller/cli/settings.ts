// SPDX-License-Identifier: Apache-2.0
// Project, region and mode of the controller of a cluster: from the flags of its Deployment, else from its nodes. No user has to repeat them.
import { CONTROLLER, NAMESPACE, parseProviderId, type KubeObject, type Node } from "../api";
import { isApiError, type ApiClient } from "../kubernetes";
import type { DumpSettings } from "./dump";

export interface CloudFlags {
  project?: string;
  region?: string;
  networkProject?: string;
  computeEndpoint?: string;
  computeAuth?: "adc" | "none";
}
interface Deployment extends KubeObject {
  spec?: { replicas?: number; template?: { spec?: { containers?: { name: string; command?: string[]; args?: string[] }[] } } };
  status?: { availableReplicas?: number };
}
export interface ControllerFacts {
  /** Flags of the Deployment, by name without dashes; empty where there is none. */
  flags: Record<string, string>;
  deployment?: { wanted: number; available: number };
}

function flagsOf(words: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  words.forEach((word, i) => {
    const m = /^--([a-z-]+)(?:=(.*))?$/.exec(word);
    if (m) found[m[1]!] = m[2] ?? words[i + 1] ?? "";
  });
  return found;
}

const wordsOf = ({ spec }: Deployment): string[] =>
  (spec?.template?.spec?.containers ?? []).slice(0, 1).flatMap(({ command, args }) => [command ?? [], args ?? []].flat());
const factsOf = (d: Deployment): ControllerFacts => ({
  flags: flagsOf(wordsOf(d)),
  deployment: { wanted: d.spec?.replicas ?? 1, available: d.status?.availableReplicas ?? 0 },
});
/** What the controller's Deployment says of itself; nothing where it is not there or may not be read. @throws ApiError */
export async function controllerFacts(client: ApiClient, namespace = NAMESPACE): Promise<ControllerFacts> {
  try {
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${CONTROLLER}`;
    return factsOf(await client.request<Deployment>("GET", path));
  } catch (error) {
    if (isApiError(error, "NotFound") || isApiError(error, "Forbidden")) return { flags: {} };
    throw error;
  }
}

/** The region of a zone: `us-central1-a` gives `us-central1`. */
const regionOf = (zone: string): string => zone.replace(/-[a-z]$/, "");

const MODES: readonly DumpSettings["datapath"][] = ["dataplane-v2", "device", "linux"];

export interface SettingsInput {
  facts: ControllerFacts;
  nodes: readonly KubeObject[];
  asked: CloudFlags;
  clusterUid: string;
  minor: number;
}
/** Settings for decisions. What nobody says stays empty; decisions about Pods do not need it. */
export function settingsOf({ facts: { flags }, nodes, asked, clusterUid, minor }: SettingsInput): DumpSettings {
  const vm = nodes.flatMap((n) => parseProviderId((n as Node).spec?.providerID) ?? [])[0];
  return {
    project: asked.project ?? flags.project ?? vm?.project ?? "",
    region: asked.region ?? flags.region ?? (vm ? regionOf(vm.zone) : ""),
    clusterUid,
    datapath: MODES.find((m) => m === flags.datapath) ?? "dataplane-v2",
    defaultNetwork: minor >= 31,
  };
}
