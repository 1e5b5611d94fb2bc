// SPDX-License-Identifier: Apache-2.0
// How one address stands, and what the controller would do next for it: the core's own `nextStep` over the dump.
import { targetInstanceName, type AddressBinding, type GKEIPRoute, type Holder } from "../api";
import { targetPath } from "../compute";
import {
  moveCause,
  nextStep,
  type AcceptedAddress,
  type HandoverInput,
  type RouteNetwork,
  type RuleFact,
  type Step,
} from "../core";
import { addressKey, datapathFor, nodePrepared } from "../manager/address";
import { nameOf, type AddressKey } from "../manager/cloud";
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
type Sentence<K extends Step["do"]> = (step: Extract<Step, { do: K }>, wanted: boolean) => string;
const SENTENCES: { [K in Step["do"]]: Sentence<K> } = {
  nothing: (_, wanted) => (wanted ? "nothing to do" : "nothing to do until a Pod can be chosen"),
  claim: () => "claim the address: create its AddressBinding",
  transfer: () => "take the claim over from the route that had it",
  observe: () => "look the address up in Google Cloud",
  blocked: (step) => `wait: ${step.message}`,
  unserve: () => "take the address from its holder, because no Pod can be chosen",
  begin: (step) => `begin move ${step.generation} to ${pod(step.next)} (${step.cause})`,
  reset: () => "put DPV2Ready back to False, so that only a fresh True counts",
  "await-datapath": () =>
    "wait until the new Pod's node is proven to be programmed (DPV2Ready; with datapath linux, its entry in status.nodes)",
  switch: () => "write into the journal that the rule is to be switched",
  program: (step) => (step.repair ? "repair the forwarding rule" : "point the forwarding rule at the new VM"),
  commit: () => "finish the move: the rule points where it should",
  "stand-by": (step) => `write down who is prepared ahead: ${step.standby.map(pod).join(", ") || "nobody"}`,
};
/** One sentence for a step. @param wanted true where a Pod can be chosen */
export const stepSentence = (step: Step, wanted: boolean): string => (SENTENCES[step.do] as Sentence<Step["do"]>)(step, wanted);

function handover(dw: DumpWorld, s: DumpSettings, q: AddressQuestion, binding: AddressBinding | undefined): HandoverInput {
  const { route, network, wanted } = q;
  const status = binding?.status ?? {};
  return {
    ...(binding ? { binding } : {}),
    routeUid: route.metadata.uid ?? "",
    ...(wanted ? { wanted, wantedTarget: targetOf(s, wanted, network.vpc) } : {}),
    cause: moveCause(dw.world, route, status.holder ?? status.lastMove?.to, wanted),
    rule: fromCloud(dw, addressKey(q.address, network)) ?? fromJournal(binding, s, network.vpc),
    prepared: wanted !== undefined && nodePrepared(datapathFor(s, network), route, wanted, status),
  };
}
const phaseOf = (binding: AddressBinding | undefined): string => binding?.status?.phase ?? (binding ? "Claimed" : "Unclaimed");

/** How an address of an accepted route stands. */
export function addressState(dw: DumpWorld, settings: DumpSettings, q: AddressQuestion): AddressState {
  const name = nameOf(addressKey(q.address, q.network));
  const binding = dw.bindings.find((b) => b.metadata.name === name);
  const input = handover(dw, settings, q, binding);
  const step = nextStep(input);
  const { holder, next, generation = 0 } = binding?.status ?? {};
  const seen = dw.cloud !== undefined;
  return {
    ...{ address: q.address.address, scope: q.address.scope, gateway: q.address.gateway, binding: name },
    ...{ phase: phaseOf(binding), generation },
    ...(holder ? { holder } : {}),
    ...(next ? { next } : {}),
    ...{ rule: ruleSentence(input.rule, seen), ruleSeen: seen },
    ...{ step: step.do, nextStep: stepSentence(step, q.wanted !== undefined) },
  };
}
