// SPDX-License-Identifier: Apache-2.0
// Items about the cluster itself: version, kinds and whose they are, classes, nodes, the controller, the user's own rights.
import { GKE_CLASSES, GKE_CONTROLLER_NAMES, KINDS, OWN_CLASSES, type GatewayClass } from "../api";
import type { CheckInput, CrdFact } from "./check-input";
import { fail, ok, some, warn, type CheckItem, type CheckResult } from "./check-item";

function version({ dump: { server } }: CheckInput): CheckResult {
  const minor = Number(/^v?1\.(\d+)/.exec(server.version)?.[1]);
  const upgrade = "upgrade the cluster to 1.29 or later (SEED-2)";
  if (Number.isNaN(minor))
    return warn(`version ${JSON.stringify(server.version)} cannot be read`, `see kubectl version; ${upgrade}`);
  if (minor < 29) return fail(`the API server is ${server.version}`, upgrade);
  return ok(`${server.version}: the Pods' primary network ${minor >= 31 ? "carries" : "does not carry"} persistent addresses`);
}

/** Whose a CRD is, from its labels and field managers. */
function owner({ labels, managers }: CrdFact): string {
  const google = Object.keys(labels).some(
    (k) => k.startsWith("addonmanager.kubernetes.io/") || k.startsWith("components.gke.io/"),
  );
  if (google) return "Google's";
  if (managers.some((m) => m.startsWith("pulumi"))) return "installed by Pulumi";
  return managers.length > 0 ? `installed by ${some(managers)}` : "of unknown origin";
}
function crds({ crds: all }: CheckInput): CheckResult {
  const absent = all.filter((c) => c.here === false).map((c) => c.name);
  const unread = all.filter((c) => c.here === undefined).map((c) => c.name);
  const route = all.find((c) => c.name.startsWith(`${KINDS.route.plural}.`));
  if (absent.length > 0)
    return fail(
      `missing: ${absent.join(", ")}`,
      "turn on Dataplane V2, multi-networking and the Gateway API; on a new cluster wait some minutes; outside of GKE use crds: Install",
    );
  if (unread.length > 0) return warn(`may not be read: ${unread.join(", ")}`, "ask for get on customresourcedefinitions");
  return ok(`all are served; that of GKEIPRoute is ${route ? owner(route) : "not known"}`);
}

function classes({ dump }: CheckInput): CheckResult {
  const all = dump.objects.gatewayClass as GatewayClass[];
  const nameless = Object.values(OWN_CLASSES).filter((n) => !all.some((c) => c.metadata.name === n));
  const google = all.filter((c) => GKE_CONTROLLER_NAMES.includes(c.spec.controllerName)).map((c) => c.metadata.name);
  const taken = Object.values(GKE_CLASSES).filter((n) => google.includes(n));
  if (nameless.length > 0)
    return fail(`missing GatewayClasses: ${nameless.join(", ")}`, "run pulumi up; PodIpController creates them");
  return ok(
    google.length === 0
      ? "ours are here; Google's controller has none here"
      : `ours are beside Google's (${some(google)})${taken.length > 0 ? "; the seed's names belong to Google" : ""}`,
  );
}

function nodes({ dw, explained }: CheckInput): CheckResult {
  const networks = [...new Set(explained.filter((e) => e.accepted.status === "True").map((e) => e.network))].filter(
    (n) => n !== "default" && n !== "pod-network",
  );
  const foreign = dw.nodes.filter((n) => !n.vm).map((n) => n.name);
  if (dw.nodes.length === 0)
    return fail("there is no node, or nodes may not be listed", "add a node pool, or ask for list on nodes");
  if (foreign.length > 0)
    return fail(
      `no Compute Engine VM in spec.providerID of ${some(foreign)}`,
      "such nodes cannot hold an address; use GKE nodes",
    );
  const lonely = networks.filter((n) => !dw.nodes.some((node) => node.networks.includes(n)));
  if (lonely.length > 0)
    return fail(
      `no node is on network ${lonely.join(", ")}`,
      "node pools get their networks when they are made: add a pool with that network, and look for the annotation networking.gke.io/north-interfaces",
    );
  const zones = new Set(dw.nodes.map((n) => n.vm!.zone));
  return ok(
    `${dw.nodes.length} node(s) in ${zones.size} zone(s), each with a VM${networks.length > 0 ? `; some are on ${networks.join(", ")}` : ""}`,
  );
}

function controller({ facts, lease, now }: CheckInput): CheckResult {
  const look =
    "kubectl -n persistent-ip-system get deployment,pods, and their events; a namespace quota for system-cluster-critical is needed";
  if (!facts.deployment)
    return warn(
      "no Deployment persistent-ip-controller is to be seen",
      "install PodIpController, or run the controller elsewhere",
    );
  const { wanted, available } = facts.deployment;
  if (available === 0) return fail(`0 of ${wanted} replicas are available`, look);
  if (facts.flags.kind === "observe") return ok(`${available} of ${wanted} replicas observe; nothing is written`);
  const ageMs = now - Date.parse(lease?.renewed ?? "");
  if (!lease || Number.isNaN(ageMs))
    return warn("nobody holds the Lease, or it may not be read", "see the logs of the controller");
  if (ageMs > lease.seconds * 2000)
    return fail(
      `the Lease of ${lease.holder} is ${Math.round(ageMs / 1000)} s old`,
      "nobody leads; see the logs of the controller",
    );
  return available < wanted
    ? warn(`${available} of ${wanted} replicas are available; ${lease.holder} leads`, look)
    : ok(`${available} of ${wanted} replicas are available; ${lease.holder} leads`);
}

function permissions({ access }: CheckInput): CheckResult {
  const no = access.filter((a) => !a.allowed).map((a) => `${a.verb} ${a.resource}`);
  if (no.length === 0) return ok("you may read every kind, and ask for moves");
  const all = no.length === access.length;
  const remedy = "ask for a role with these; explain and status go without what they may not read";
  return all ? fail(`you may not ${some(no)}`, remedy) : warn(`you may not ${some(no, 10)}`, remedy);
}

export const CLUSTER_ITEMS: readonly CheckItem[] = [
  { id: "api-server", assumptions: [21], look: version },
  { id: "crds", assumptions: [18], look: crds },
  { id: "classes", assumptions: [19], look: classes },
  { id: "nodes", assumptions: [17], look: nodes },
  { id: "controller", assumptions: [24], look: controller },
  { id: "permissions", assumptions: [], look: permissions },
];
