// SPDX-License-Identifier: Apache-2.0
// Writes down every version of every journal and route while a test plays, with a watch that is not the controller's and not behind its proxies.
import type { AddressBinding, GKEIPRoute } from "../../controller/api";
import { watchResource } from "../../sandbox/controlplane";
import { versionOf, type Version } from "./checker";
import type { Lab } from "./lab";

export interface RouteVersion {
  seenAt: number;
  /** `namespace/name` */
  key: string;
  resourceVersion: string;
  pods: string[];
  /** `Type=Status/Reason` of each condition. */
  conditions: string[];
}
export interface Recorder {
  readonly bindings: readonly Version[];
  readonly routes: readonly RouteVersion[];
  stop(): void;
}

export async function record(lab: Lab): Promise<Recorder> {
  const bindings: Version[] = [];
  const routes: RouteVersion[] = [];
  const watches = [
    watchResource<AddressBinding>(lab.admin, "/apis/gke-persistent-ip.dev/v1alpha1/addressbindings", {
      changed: (binding) => void bindings.push(versionOf(binding, Date.now())),
    }),
    watchResource<GKEIPRoute>(lab.admin, "/apis/networking.gke.io/v1/gkeiproutes", {
      changed: ({ metadata, status }) =>
        void routes.push({
          seenAt: Date.now(),
          key: `${metadata.namespace}/${metadata.name}`,
          resourceVersion: metadata.resourceVersion ?? "",
          pods: status?.pods ?? [],
          conditions: (status?.conditions ?? []).map((c) => `${c.type}=${c.status}/${c.reason}`),
        }),
    }),
  ];
  await Promise.all(watches.map((w) => w.synced));
  return { bindings, routes, stop: () => watches.forEach((w) => w.stop()) };
}
