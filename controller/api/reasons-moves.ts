// SPDX-License-Identifier: Apache-2.0
// Texts of every reason, part of the table in reasons.ts: Pods, moves, holds and Events.
import type { ReasonSection } from "./reasons-type";

export const VERDICT_TEXTS: ReasonSection = {
  heading: "Verdicts: why a Pod is chosen or not",
  intro: "In the order in which they are checked; the first that applies is given.",
  tests: ["controller/core/", "controller/manager/"],
  entries: [
    { code: "Terminating", meaning: "The Pod is being deleted.", remedy: "None; its successor is chosen." },
    { code: "Finished", meaning: "The Pod has ended (Succeeded or Failed).", remedy: "Take the label off Pods of Jobs." },
    { code: "Unscheduled", meaning: "The Pod has no node yet.", remedy: "`kubectl describe pod` says why." },
    { code: "HostNetwork", meaning: "The Pod shares the node's own network.", remedy: "Turn `hostNetwork` off." },
    {
      code: "MalformedInterfaces",
      meaning: "The annotation `networking.gke.io/interfaces` cannot be read.",
      remedy: "Correct its JSON; the message says where. Other Pods are not affected.",
    },
    {
      code: "NotOnNetwork",
      meaning: "The Pod has no interface on the route's network.",
      remedy: "Name the network in `networking.gke.io/interfaces`.",
    },
    {
      code: "NotReady",
      meaning: "The condition Ready is not True (`ReadyCondition` mode only).",
      remedy: "Look at the readiness probe.",
    },
    { code: "NodeMissing", meaning: "The node does not exist any more.", remedy: "None; the Pod will be evicted." },
    {
      code: "NodeNotSelected",
      meaning: "The node does not match `spec.nodeSelector`.",
      remedy: "Change the selector or the Pod's placement.",
    },
    {
      code: "NodeNotConnected",
      meaning: "The node has no interface on the network.",
      remedy: "Use a node pool that has it; a pool cannot be changed afterwards.",
    },
    {
      code: "NoVirtualMachine",
      meaning: "`spec.providerID` names no Compute Engine VM.",
      remedy: "The node is not one of GKE or Compute Engine.",
    },
    {
      code: "OlderThanSelected",
      meaning: "Another Pod is newer, or ordered before this one.",
      remedy: "None: this Pod is ready to take over.",
    },
    { code: "Selected", meaning: "This Pod holds the address." },
    {
      code: "HeldBySticky",
      meaning: "This Pod is newer, but the holder can keep the address.",
      cause: "`sticky` is set.",
      remedy: "None; it takes over when the holder is lost. Turn `sticky` off to move now.",
    },
    {
      code: "WithinDwell",
      meaning: "This Pod would have the address, but it moved too short a time ago.",
      cause: "`min-dwell-seconds` is set; the message says until when.",
      remedy: "Wait; it is looked at again at that time.",
    },
    {
      code: "BudgetSpent",
      meaning: "This Pod would have the address, but the moves of the window are used up.",
      cause: "`move-budget` is set; something moves the address often.",
      remedy: "See `status.history` of the AddressBinding for the causes.",
    },
    {
      code: "LessPreferred",
      meaning: "This Pod has less weight than the chosen one.",
      cause: "`preferred-pods` is set.",
      remedy: "None: this Pod is ready to take over.",
    },
    {
      code: "ReclaimNotAsked",
      meaning: "This Pod has more weight than the holder, but takes the address back only if asked.",
      cause: "`preferred-pods` is set without `reclaim`.",
      remedy: "Set `reclaim`, or wait until the holder is lost.",
    },
    {
      code: "NodeCordoned",
      meaning: "The node is cordoned or about to go, and another Pod is on one that is not.",
      cause: "`avoid-cordoned` is set; `kubectl cordon`, a drain, a scale-down.",
      remedy: "`kubectl uncordon NODE`, if that was not meant.",
    },
    {
      code: "MoveUnderWay",
      meaning: "This Pod would have the address, but a move to another is under way whose former Pod can hold it no more.",
      cause: "Pods become Ready faster than a move is made: a rollout.",
      remedy: "None: it takes over when that move is finished, after 5 s at the latest.",
    },
  ],
};

export const CAUSES: ReasonSection = {
  heading: "Causes of a move",
  intro: "In the Event `AddressMoved`, in `status.lastMove.cause` of the AddressBinding, and as a label of the metrics.",
  tests: ["controller/core/", "controller/manager/"],
  entries: [
    { code: "FirstAssignment", meaning: "nobody held it before." },
    { code: "NewerPod", meaning: "a newer Pod became selectable (a rollout)." },
    { code: "PodGone", meaning: "the Pod that held it does not exist any more." },
    { code: "PodNotReady", meaning: "that Pod lost Ready." },
    { code: "PodTerminating", meaning: "that Pod is being deleted." },
    { code: "NodeGone", meaning: "that Pod's node does not exist any more." },
    { code: "SelectorChanged", meaning: "that Pod no longer matches, by an edit of the selector or of its labels." },
    { code: "PodRecreated", meaning: "a Pod of the same name has taken its place." },
    {
      code: "PodNotSelectable",
      meaning: "that Pod cannot be chosen any more for another reason: its network, its node, its phase.",
    },
    { code: "RouteChanged", meaning: "the claim passed to another route." },
    { code: "DriftRepaired", meaning: "somebody had changed the forwarding rule." },
    { code: "MoveAbandoned", meaning: "a move was broken off and the former Pod has it again." },
    { code: "PreferredPod", meaning: "a Pod of more weight takes it back (`preferred-pods` with `reclaim`)." },
    { code: "NodeCordoned", meaning: "that Pod's node was cordoned, and another Pod was ready elsewhere (`avoid-cordoned`)." },
    { code: "MoveAsked", meaning: "somebody asked for that Pod (`kubectl persistent-ip move`)." },
  ],
};

export const PHASE_TEXTS: ReasonSection = {
  heading: "Phases of a hand-over",
  intro: "`status.phase` of an AddressBinding. `kubectl get addressbindings` shows one line an address.",
  tests: ["controller/core/", "controller/manager/"],
  entries: [
    { code: "Claimed", meaning: "The address is taken for a route; nothing else was done. Next: Preparing, Unserved." },
    { code: "Preparing", meaning: "The new Pod's node is being programmed; the old one is untouched. Next: Switching." },
    { code: "Prepared", meaning: "The node said so. Next: Switching." },
    { code: "Switching", meaning: "The forwarding rule is being changed, and read back. Next: Held." },
    { code: "Held", meaning: "Proven: the rule points at the node of the Pod." },
    { code: "Unserved", meaning: "No Pod can hold the address. Next: Preparing." },
    { code: "Releasing", meaning: "The rule is being removed; then the claim goes. Next: (gone)." },
  ],
};

export const EVENTS: ReasonSection = {
  heading: "Events",
  outro: "Besides, each reason of Accepted=False is told once as a Warning when it begins.",
  tests: ["controller/manager/"],
  entries: [
    { code: "AddressMoved", where: "Normal", meaning: "From which Pod and node to which, why, and how long it took." },
    {
      code: "DriftRepaired",
      where: "Warning",
      meaning:
        "A forwarding rule was not as it should be (changed or deleted by somebody else, half of a pair missing, the VM made anew) and is right again.",
    },
    { code: "GCPFailed", where: "Warning", meaning: "As the reason above." },
    { code: "NoPodsFound", where: "Warning", meaning: "As the reason above." },
    {
      code: "ProtocolsNotCarried",
      where: "Warning",
      meaning:
        "Google Cloud refused one rule for all protocols; the message names what the rules in its place do not carry (E52).",
    },
    { code: "SecondWriter", where: "Warning", meaning: "As the reason above." },
    {
      code: "Holding",
      where: "Warning",
      meaning: "Nothing moves because the news is bad; the message says what, and how to override it.",
    },
    { code: "HoldEnded", where: "Normal", meaning: "Addresses move again." },
    { code: "AnnotationIgnored", where: "Warning", meaning: "An annotation of stability cannot be read; the default is used." },
    {
      code: "RuleUpdated",
      where: "Normal",
      meaning: "The route wants something else of its forwarding rule, and has it: global access on or off.",
    },
  ],
};

export const HOLDS: ReasonSection = {
  heading: "Holds",
  intro:
    "First word of the message of Ready, of the Event `Holding`, and label of the metric `persistent_ip_holding`. See [stability](stability.md#hold-on-bad-news).",
  tests: ["controller/manager/"],
  entries: [
    {
      code: "NodesLost",
      meaning: "Many nodes were lost at once, so nothing moves for a while.",
      cause: "A partition, or trouble of the control plane; or they are gone indeed.",
      remedy:
        "Ends when they are back or after 10 minutes. To move an address now: `kubectl annotate gkeiproute NAME gke-persistent-ip.dev/node-loss-hold=false`.",
    },
    {
      code: "WatchSilent",
      meaning: "A watch has been silent beyond its bound, so what is known may be old and nothing moves.",
      cause: "The API server is away or cannot be reached.",
      remedy: "Ends by itself when it answers again.",
    },
  ],
};
