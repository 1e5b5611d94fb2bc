// SPDX-License-Identifier: Apache-2.0
// Texts of every reason, part of the table in reasons.ts: routes, Gateways and listeners.
import type { ReasonSection } from "./reasons-type";

export const ROUTES: ReasonSection = {
  heading: "Routes: reasons of Accepted, GCPReady, DPV2Ready and Ready",
  intro: "`Ready` repeats the reason of the first condition that is not True.",
  tests: ["controller/core/", "controller/manager/"],
  entries: [
    { code: "Accepted", where: "Accepted=True", meaning: "The settings are right." },
    {
      code: "InvalidLabels",
      where: "Accepted=False",
      meaning: "A selector cannot be read, or is empty.",
      cause: "`podSelector: {}`, or `In` without values.",
      remedy: "Write at least one label; the message names the part.",
    },
    {
      code: "MissingParentRefs",
      where: "Accepted=False",
      meaning: "No Gateway is named.",
      cause: "`parentRefs` is empty, or names only other kinds.",
      remedy: "Name the Gateway that holds the addresses. `parentRefs` cannot be changed, so delete the route and make it again.",
    },
    {
      code: "GatewayNotFound",
      where: "Accepted=False",
      meaning: "The Gateway does not exist, is being deleted, or belongs to another controller.",
      cause: "Wrong name or namespace, or applied in another order.",
      remedy: "Create the Gateway; the route heals by itself.",
    },
    {
      code: "GatewayNotAccepted",
      where: "Accepted=False",
      meaning: "The Gateway has a mistake of its own.",
      cause: "See the Gateway's condition Accepted, repeated in the message.",
      remedy: "Correct the Gateway. An address that is already held stays where it is.",
    },
    {
      code: "Unattachable",
      where: "Accepted=False",
      meaning: "No listener of the Gateway lets the route in, or the route is being deleted.",
      cause: "`allowedRoutes` excludes the route's namespace or kind; a `sectionName` that no listener has.",
      remedy: "Open the listener, or move the route.",
    },
    {
      code: "InvalidAddresses",
      where: "Accepted=False",
      meaning: "An address is malformed, is not in the Gateway, or is held by an older route.",
      cause: "A typing error; a prefix other than /32; IPv6; two routes for one address.",
      remedy: "The message names the address and, where another route has it, that route.",
    },
    {
      code: "NetworkNotFound",
      where: "Accepted=False",
      meaning: "`spec.network` names no Network object.",
      cause: "Not created yet, or renamed.",
      remedy: "Create it. An address that is already held stays where it is.",
    },
    {
      code: "NetworkNotReady",
      where: "Accepted=False",
      meaning: "The Network cannot carry addresses now, or never.",
      cause: "Not Ready yet; of type L2; no GKENetworkParamSet with a VPC; the Pods' primary network before GKE 1.31.",
      remedy: "`kubectl describe network NAME`. An address that is already held stays where it is.",
    },
    {
      code: "GCPReady",
      where: "GCPReady=True",
      meaning:
        "The forwarding rule was read back and points at the chosen Pod's node. The message is a warning where no firewall rule lets packets in.",
      remedy: "Add an ingress rule where the message asks for one.",
    },
    {
      code: "GCPNotReady",
      where: "GCPReady=False",
      meaning: "Nothing is in Google Cloud, because the route is not accepted.",
      cause: "See Accepted.",
      remedy: "Correct what Accepted says.",
    },
    {
      code: "GCPFailed",
      where: "GCPReady=False",
      meaning: "Google Cloud refused, or the address cannot be used.",
      cause:
        "Not reserved; in another region; of the other scope; in use by something that is not ours; quota; missing permission.",
      remedy: "The message has Google's own words. It is tried again on its own.",
    },
    {
      code: "CleanupComplete",
      where: "GCPReady=False",
      meaning: "Nothing of this route is left in Google Cloud.",
      cause: "The route is no longer accepted.",
    },
    {
      code: "DPV2Ready",
      where: "DPV2Ready=True",
      meaning: "The node is programmed for this Pod, or the network device belongs to the Pod and needs nothing.",
    },
    {
      code: "DPV2NotReady",
      where: "DPV2Ready=False",
      meaning: "The node's agent could not program the address, or the route is not accepted.",
      cause: "An error of the agent, in the message.",
      remedy: "Look at the agent on the Pod's node; see [troubleshooting](troubleshooting.md).",
    },
    { code: "ProgrammingComplete", where: "Ready=True", meaning: "All is in place and was observed." },
    {
      code: "NoPodsFound",
      where: "GCPReady, DPV2Ready, Ready=False",
      meaning: "No Pod can hold the address. The reservation stays; nobody is guessed.",
      cause: "Labels, namespace, readiness, node; the message counts the matching Pods by verdict.",
      remedy: "See the verdicts below.",
    },
    {
      code: "Mutated",
      where: "GCPReady, DPV2Ready, Ready=False",
      meaning: "A hand-over is under way.",
      cause: "A Pod, the selector or the address list changed.",
      remedy: "Wait. If it lasts, see which of the conditions says Mutated and [troubleshooting](troubleshooting.md#mutated).",
    },
    {
      code: "SecondWriter",
      where: "SecondWriter=True",
      meaning:
        "Another controller writes `status.pods` or the conditions of this route too. Nothing moves and nothing more is written, so that the two do not undo each other's work. The message names it.",
      cause: "Google's own controller answers the route as well; an older copy of this one under another name.",
      remedy:
        'Decide for one: `controller: { kind: "GkeManaged" }` with `"Observe"` beside it, or a Gateway of a class that only this controller answers. If the other one is gone for good, clear its marks: `kubectl patch gkeiproute NAME --subresource=status --type=merge -p \'{"status":null}\'`.',
    },
  ],
};

export const GATEWAYS: ReasonSection = {
  heading: "Gateways: reasons of Accepted and Programmed",
  tests: ["controller/core/gateway-status"],
  entries: [
    { code: "Accepted", where: "Accepted=True", meaning: "The class is ours and the spec is usable." },
    {
      code: "ListenersNotValid",
      where: "Accepted",
      meaning: "A listener is wrong. True where others are right: those go on.",
      remedy: "Correct the listener that the message names.",
    },
    {
      code: "UnsupportedAddress",
      where: "Accepted=False",
      meaning: "An address has a type other than `gke.networking.io/cidr` and `IPAddress`.",
      remedy: "Change the type.",
    },
    {
      code: "Invalid",
      where: "Accepted, Programmed=False",
      meaning: "The class does not say external or internal, no address can be read, or there are more than 16.",
      remedy: "Correct the spec, or split it over several Gateways.",
    },
    { code: "Programmed", where: "Programmed=True", meaning: "Every listed address is reserved and usable." },
    {
      code: "Pending",
      where: "Programmed=Unknown",
      meaning: "The addresses are being looked up.",
      remedy: "Wait some seconds. If it lasts: can the controller reach Google Cloud?",
    },
    {
      code: "AddressNotAssigned",
      where: "Programmed=False",
      meaning: "An address has an empty value, or there is none. This controller fills in none.",
      remedy: "Write a reserved address.",
    },
    {
      code: "AddressNotUsable",
      where: "Programmed=False",
      meaning: "An address is not reserved, lies elsewhere, is in use, or belongs to an older Gateway.",
      remedy: "The message has one sentence for each.",
    },
  ],
};

export const CLASSES: ReasonSection = {
  heading: "GatewayClasses",
  tests: ["controller/manager/classes"],
  entries: [
    { code: "Accepted", where: "Accepted=True", meaning: "The class names this controller." },
    {
      code: "SupportedVersion",
      where: "SupportedVersion=True",
      meaning: "The Gateway API CRDs are of a release that this controller works with.",
    },
    {
      code: "UnsupportedVersion",
      where: "SupportedVersion=False",
      meaning: "The Gateway API CRDs are of another release; the controller goes on as well as it can.",
      remedy: "Install v1.0.0 or later of version 1.",
    },
  ],
};

export const LISTENERS: ReasonSection = {
  heading: "Listeners",
  tests: ["controller/core/gateway-status", "controller/core/parents"],
  entries: [
    { code: "Accepted", where: "Accepted=True", meaning: "The listener takes routes." },
    {
      code: "UnsupportedValue",
      where: "Accepted=False",
      meaning: "`from: Selector` without a selector, or a kind that is not GKEIPRoute.",
    },
    { code: "Programmed", where: "Programmed=True", meaning: "All is well." },
    { code: "Invalid", where: "Programmed=False", meaning: "The listener or its Gateway is not accepted." },
    { code: "ResolvedRefs", where: "ResolvedRefs=True", meaning: "Every kind that is asked for is supported." },
    {
      code: "InvalidRouteKinds",
      where: "ResolvedRefs=False",
      meaning: "A kind other than `networking.gke.io/GKEIPRoute` is asked for.",
    },
    {
      code: "NoConflicts",
      where: "Conflicted=False",
      meaning: "Listeners here never conflict: port and protocol carry no traffic.",
    },
  ],
};
