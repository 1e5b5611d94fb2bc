// SPDX-License-Identifier: Apache-2.0
// The controller's command line from the component's arguments. Pure; values may still be unknown, each in a place of its own, so that a preview
// shows all the others.
import { ControllerKind, Datapath, GkeClasses } from "./enums";

/** `T` is a string, or an Input of one. */
export interface FlagOptions<T> {
  project: T;
  region: T;
  clusterName: T;
  clusterLocation: T;
  networkProject?: T;
  namespace: string;
  datapath?: Datapath;
  computeEndpoint?: T;
  gkeClasses?: GkeClasses;
  kind?: ControllerKind;
  logLevel?: string;
  workers?: number;
}

export const HEALTH_PORT = 8081;
export const METRICS_PORT = 8080;

const DATAPATH: { [K in Datapath]: string } = { DataplaneV2: "dataplane-v2", Device: "device", Linux: "linux" };
const CLASSES: { [K in GkeClasses]: string } = { Never: "never", IfAbsent: "if-absent" };

/** Flags in a fixed order; unset options are left out, so that the controller's default is what holds. */
export function controllerFlags<T>(o: FlagOptions<T>): (string | T)[] {
  const flags: [string, string | T | undefined][] = [
    ["--project", o.project],
    ["--region", o.region],
    ["--cluster-name", o.clusterName],
    ["--cluster-location", o.clusterLocation],
    ["--network-project", o.networkProject],
    ["--namespace", o.namespace],
    ["--datapath", DATAPATH[o.datapath ?? Datapath.DataplaneV2]],
    ["--compute-endpoint", o.computeEndpoint],
    ["--gke-classes", CLASSES[o.gkeClasses ?? GkeClasses.Never]],
    ["--kind", o.kind === ControllerKind.Observe ? "observe" : "bundled"],
    ["--health-port", String(HEALTH_PORT)],
    ["--metrics-port", String(METRICS_PORT)],
    ["--log-level", o.logLevel ?? "info"],
    ["--workers", o.workers === undefined ? undefined : String(o.workers)],
  ];
  return flags.flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
}
