// SPDX-License-Identifier: Apache-2.0
// How one address stands, and what the controller would do next for it: the core's own `nextStep` over the dump.
import { targetInstanceName, type AddressBinding, type GKEIPRoute, type Holder } from "../api";
import { targetPath } from "../compute";
import { moveCause, nextStep, type AcceptedAddress, type RouteNetwork, type RuleFact, type Step } from "../core";
import { addressKey, datapathOf } from "../manager/address";
import { nameOf, type AddressKey } from "../manager/cloud";
import { atLeast } from "../manager/views";
import type { DumpSettings } from "./dump";
import type { DumpWorld } from "./world";

export interface AddressState {
  address: string;
  scope: "External" | "Internal";
  gateway: string;
  binding: string;
  phase: string;
  generation: number;
  holder?: Holder;
  next?: Holder;
  /** Sentence: the rule as it stands in Google Cloud, or that it was not read. */
  rule: string;
  /** False where Google Cloud was not read, so that the journal is taken at its word. */
  ruleSeen: boolean;
  step: Step["do"];
  nextStep: string;
}
export interface AddressQuestion {
  route: GKEIPRoute;
  address: AcceptedAddress;
  network: RouteNetwork;
  wanted?: Holder;
}

const targetOf = (s: DumpSettings, h: Holder, vpc: string | undefined): string =>
  targetPath(s.project, h.zone, targetInstanceName(s.clusterUid, h.zone, h.instance, vpc));

/** Where Google Cloud was not read: what the journal says that it did there. */
function fromJournal(binding: AddressBinding | undefined, s: DumpSettings, vpc: string | undefined): RuleFact {
  const holder = binding?.status?.holder;
  return holder ? { state: "ours", target: targetOf(s, holder, vpc) } : { state: "absent" };
}
/** As the driver judges it: a reservation that cannot be used stands in the way like a foreign rule. */
function fromCloud({ cloud }: DumpWorld, key: AddressKey): RuleFact | undefined {
  const fact = cloud?.fact(key);
  if (fact && !fact.usable) return { state: "foreign", message: fact.message };
  return cloud?.ruleFact(key);
}

function ruleSentence(rule: RuleFact, seen: boolean): string {
  if (!seen) return "not read (give --project)";
  switch (rule.state) {
    case "unknown":
      return "not read";
    case "absent":
      return "none";
    case "ours":
      return rule.target === "" ? "ours, targets differ" : `ours, to ${rule.target.slice(rule.target.lastIndexOf("/") + 1)}`;
    case "foreign":
      return rule.message;
  }
}

const pod = (h: Holder): string => `${h.pod} on ${h.node}`;
/** One sentence for a step. */
export function stepSentence(step: Step, q: Pick<AddressQuestion, "wanted">): string {
  switch (step.do) {
    case "nothing":
      return q.wanted ? "nothing to do" : "nothing to do until a Pod can be chosen";
    case "claim":
      return "claim the address: create its AddressBinding";
    case "transfer":
      return "take the claim over from the route that had it";
    case "observe":
      return "look the address up in Google Cloud";
    case "blocked":
      return `wait: ${step.message}`;
    case "unserve":
      return "take the address from its holder, because no Pod can be chosen";
    case "begin":
      return `begin move ${step.generation} to ${pod(step.next)} (${step.cause})`;
    case "reset":
      return "put DPV2Ready back to False, so that only a fresh True counts";
    case "await-datapath":
      return "wait until the node agent says DPV2Ready for the new Pod";
    case "switch":
      return "write into the journal that the rule is to be switched";
    case "program":
      return step.repair ? "repair the forwarding rule" : "point the forwarding rule at the new VM";
    case "commit":
      return "finish the move: the rule points where it should";
  }
}

function stateOf(dw: DumpWorld, s: DumpSettings, q: AddressQuestion): { binding?: AddressBinding; rule: RuleFact; step: Step } {
  const { route, network, wanted } = q;
  const key = addressKey(q.address, network);
  const binding = dw.bindings.find((b) => b.metadata.name === nameOf(key));
  const rule = fromCloud(dw, key) ?? fromJournal(binding, s, network.vpc);
  const status = binding?.status;
  const said = datapathOf(route, wanted?.pod);
  const proven = said?.status === "True" && atLeast(route.metadata.resourceVersion, status?.routeVersion);
  const step = nextStep({
    ...(binding ? { binding } : {}),
    routeUid: route.metadata.uid ?? "",
    ...(wanted ? { wanted, wantedTarget: targetOf(s, wanted, network.vpc) } : {}),
    cause: moveCause(dw.world, route, status?.holder ?? status?.lastMove?.to, wanted),
    rule,
    prepared: wanted !== undefined && (s.datapath === "device" || proven),
  });
  return { ...(binding ? { binding } : {}), rule, step };
}

/** How an address of an accepted route stands. */
export function addressState(dw: DumpWorld, settings: DumpSettings, q: AddressQuestion): AddressState {
  const { binding, rule, step } = stateOf(dw, settings, q);
  const { holder, next, phase, generation } = binding?.status ?? {};
  const seen = dw.cloud !== undefined;
  return {
    ...{ address: q.address.address, scope: q.address.scope, gateway: q.address.gateway },
    binding: nameOf(addressKey(q.address, q.network)),
    phase: phase ?? (binding ? "Claimed" : "Unclaimed"),
    generation: generation ?? 0,
    ...(holder ? { holder } : {}),
    ...(next ? { next } : {}),
    rule: ruleSentence(rule, seen),
    ruleSeen: seen,
    step: step.do,
    nextStep: stepSentence(step, q),
  };
}
