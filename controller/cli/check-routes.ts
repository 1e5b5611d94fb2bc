// SPDX-License-Identifier: Apache-2.0
// Items about routes: who writes their status, under which names, and whether Google's node agent answers us.
import {
  FIELD_MANAGER,
  GKE_CONTROLLER_NAMES,
  type AddressBinding,
  type Condition,
  type Gateway,
  type GKEIPRoute,
  type Move,
} from "../api";
import { keyOf, statusWriters } from "../core";
import type { CheckInput } from "./check-input";
import { fail, ok, some, warn, type CheckItem, type CheckResult } from "./check-item";

const conditionsOf = (r: GKEIPRoute): Condition[] => r.status?.conditions ?? [];
/** Routes that our controller answers, by what it would say itself. */
const ours = ({ dw, explained }: CheckInput): GKEIPRoute[] =>
  dw.routes.filter((r) => explained.some((e) => e.route === keyOf(r) && e.duty === "answer"));
const MAKE_ONE = "create a route (kubectl persistent-ip analyze -f checks it first), then look again";

function conditionNames({ dw, dump }: CheckInput): CheckResult {
  const google = dw.routes.filter((r) => {
    const keys = (r.spec.parentRefs ?? []).map((p) => `${p.namespace ?? r.metadata.namespace ?? "default"}/${p.name}`);
    const gateways = (dump.objects.gateway as Gateway[]).filter((g) => keys.includes(keyOf(g)));
    return gateways.some((g) =>
      GKE_CONTROLLER_NAMES.includes(dw.world.gatewayClass(g.spec.gatewayClassName)?.spec.controllerName ?? ""),
    );
  });
  const types = new Set(google.flatMap((r) => conditionsOf(r).map((c) => c.type)));
  if (types.has("IPRouteGCPReady"))
    return warn("Google's controller writes IPRouteGCPReady here", "both names are read; please report it");
  if (types.has("GCPReady")) return ok("Google's controller writes GCPReady, as we do");
  return warn(
    "no route of Google's class is here to compare with",
    "please report what kubectl get gkeiproute -o yaml says where there is one",
  );
}

function secondWriter({ dw, dump }: CheckInput): CheckResult {
  const both = dw.routes.flatMap((r) => {
    const raw = dump.objects.route.find((o) => o.metadata.uid === r.metadata.uid);
    const { managedFields } = (raw?.metadata ?? {}) as { managedFields?: unknown[] };
    const { own, others } = statusWriters(managedFields, FIELD_MANAGER);
    return own && others.length > 0 ? [`${keyOf(r)} (${others.join(", ")})`] : [];
  });
  if (both.length === 0) return ok("no route of ours has a second writer");
  return fail(
    `somebody else decides about ${some(both)}`,
    'nothing moves there; use controller kind "GkeManaged" with "Observe", or a Gateway of a class of ours only',
  );
}

const GRACE_MS = 120_000;
function datapath(input: CheckInput): CheckResult {
  const { dump, now } = input;
  if (dump.settings.datapath === "device") return ok("mode device: the network device belongs to the Pod");
  const served = ours(input).filter((r) => (r.status?.pods ?? []).length === 1);
  if (served.length === 0) return warn("no route with a Pod is here to see", MAKE_ONE);
  const said = (r: GKEIPRoute): Condition | undefined => conditionsOf(r).find((c) => c.type === "DPV2Ready");
  const silent = served.filter(
    (r) => said(r)?.status !== "True" && now - Date.parse(said(r)?.lastTransitionTime ?? "") > GRACE_MS,
  );
  if (silent.length > 0)
    return fail(
      `Google's node agent has not said DPV2Ready for ${some(silent.map(keyOf))} for over ${GRACE_MS / 1000} s`,
      "it may not serve routes of our class: look at row 2 of docs/limits.md, and use GkeManaged; else see the agent's logs on the node",
    );
  const again = served.filter((r) => said(r)?.status === "True" && movesOf(input, r).length > 1);
  return ok(
    `the node agent answers for ${served.length} route(s)${again.length > 0 ? `, after moves too (${some(again.map(keyOf))})` : "; none has moved yet"}`,
  );
}
const movesOf = ({ dw }: CheckInput, r?: GKEIPRoute): Move[] =>
  dw.bindings
    .filter((b: AddressBinding) => r === undefined || b.spec.route.uid === r.metadata.uid)
    .flatMap((b) => b.status?.history ?? []);

const middle = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
function moves(input: CheckInput): CheckResult {
  const real = movesOf(input).filter((m) => m.from && m.to);
  if (real.length === 0)
    return warn("no address has moved yet", "kubectl persistent-ip move ADDRESS --to POD, to a Pod in another zone");
  const across = real.filter((m) => m.from!.zone !== m.to!.zone).length;
  const prepare = middle(real.flatMap((m) => m.durations.prepare ?? []));
  const total = middle(real.flatMap((m) => m.durations.total ?? []));
  const found = `${real.length} move(s) remembered, ${across} between zones; median ${total} ms, of which the node took ${prepare} ms`;
  if (prepare > 10_000)
    return warn(found, "the node agent is slower than believed (2 s): see its logs, and the load of the nodes");
  return across === 0 ? warn(found, "move one to another zone once, to see that setTarget can") : ok(found);
}

export const ROUTE_ITEMS: readonly CheckItem[] = [
  { id: "condition-names", assumptions: [1], look: conditionNames },
  { id: "second-writer", assumptions: [3], look: secondWriter },
  { id: "datapath", assumptions: [2, 4, 5], look: datapath },
  { id: "moves", assumptions: [11, 26], look: moves },
];
