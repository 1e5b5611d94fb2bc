// SPDX-License-Identifier: Apache-2.0
// Texts of every reason, part of the table in reasons.ts: findings and codes.
import type { ReasonSection } from "./reasons-type";

export const FINDINGS: ReasonSection = {
  heading: "Findings of the contract",
  intro:
    "Found by the components at preview, and by the controller. `pulumi preview` fails on each but the ones marked as warnings, before anything is created.",
  tests: ["controller/api/", "components/"],
  entries: [
    { code: "Required", meaning: "A field that must be there is missing or empty.", remedy: "Set it." },
    { code: "Type", meaning: "A value is of another type than the schema's.", remedy: "The message names the type." },
    { code: "Enum", meaning: "A value is not one of a closed set.", remedy: "The message lists the set." },
    { code: "Length", meaning: "A text or list is too short or too long.", remedy: "The message has the bounds." },
    { code: "Pattern", meaning: "A text has not the form that is asked for.", remedy: "The message has an example." },
    { code: "Bounds", meaning: "A number is too small or too large.", remedy: "The message has the bounds." },
    { code: "UnknownField", meaning: "The schema has no such field; usually a typing error.", remedy: "Correct or remove it." },
    { code: "MissingParentRef", meaning: "A route names no Gateway.", remedy: "Name one." },
    { code: "ForeignParentKind", meaning: "A route names only parents that are not Gateways.", remedy: "Name a Gateway." },
    {
      code: "InvalidAddress",
      meaning: "An address is not a single IPv4 address.",
      remedy: "Write it as `34.123.10.1/32`; no ranges, IPv6, spaces or leading zeros.",
    },
    {
      code: "UnsupportedAddressType",
      meaning: "The address type is unknown.",
      remedy: "`gke.networking.io/cidr` or `IPAddress`.",
    },
    { code: "DuplicateAddress", meaning: "Warning: an address is listed twice; it counts once.", remedy: "Remove one." },
    { code: "TooManyAddresses", meaning: "More than 16 addresses in one object.", remedy: "Split it." },
    {
      code: "InvalidSelector",
      meaning: "A selector has an unknown operator, or values where none belong, or none where they must.",
      remedy: "The message names the part.",
    },
    { code: "EmptySelector", meaning: "A selector would match every Pod.", remedy: "Name at least one label." },
    {
      code: "DefaultNetwork",
      meaning: "Warning: the route uses the Pods' primary network.",
      remedy: "Needs GKE 1.31 or later; else name a Network.",
    },
    { code: "ListenerSelectorMissing", meaning: "`from: Selector` without a selector.", remedy: "Write it, or use All." },
    {
      code: "ListenerKindUnsupported",
      meaning: "A listener asks for kinds without GKEIPRoute.",
      remedy: "Name it, or leave the kinds out.",
    },
    {
      code: "UnknownClass",
      meaning: "Warning: a GatewayClass that this project does not know.",
      remedy: "Use one of its classes.",
    },
    { code: "AddressNotInGateway", meaning: "A route wants an address that its Gateway does not list.", remedy: "Add it there." },
    {
      code: "AddressClaimedTwice",
      meaning: "Two routes, or two Gateways, list one address.",
      remedy: "Only the older would get it; keep one.",
    },
    {
      code: "Immutable",
      meaning: "A field that cannot be changed was changed.",
      remedy: "Give the route another name; the old one is deleted, which interrupts its addresses.",
    },
    {
      code: "StabilityValue",
      meaning: "Warning: an annotation of stability has a value that it does not take; the default is used.",
      remedy: "The message lists what is allowed.",
    },
    {
      code: "UnknownAnnotation",
      meaning: "Warning: an annotation of our group that does not exist; usually a typing error.",
      remedy: "The message lists those that do.",
    },
    {
      code: "PodCannotAnswer",
      meaning:
        "Warning: the chosen Pod can never answer: no container may add an address (NET_ADMIN) or use raw sockets (NET_RAW).",
      remedy: "Give it the init container of `persistentIpPodSpec`, or its own way (docs/inside-the-pod.md).",
    },
    {
      code: "PodNotPrepared",
      meaning: "Warning: the chosen Pod's init container `persistent-ip` does not put on every address of the route.",
      remedy: "List every address that the Pod may ever hold.",
    },
  ],
};

export const COMPONENT_FINDINGS: ReasonSection = {
  heading: "Findings of the components only",
  tests: ["components/"],
  entries: [
    { code: "Exclusive", meaning: "Properties that exclude each other are set together, or exactly one of several must be set." },
    {
      code: "UnknownReference",
      meaning: "A name is used that the program does not define; the message lists those that it does.",
    },
    { code: "Overlap", meaning: "Two ranges share addresses." },
    { code: "OutsideRange", meaning: "An address lies outside of its subnet." },
    { code: "ScopeMismatch", meaning: "A private address where an external one is wanted, or the reverse." },
    { code: "Location", meaning: "A region or zone is malformed, or is not the region of the cluster." },
    { code: "Unusable", meaning: "Something that was adopted lacks what is needed; the message says what." },
    {
      code: "Protected",
      meaning: "Something that holds state is not in the program any more, and would be lost.",
      remedy: "Put it back; on purpose: name it in `unlocked` first.",
    },
    { code: "Unsupported", meaning: "A combination that this version cannot do." },
  ],
};

export const COMPUTE_CODES: ReasonSection = {
  heading: "Codes of the Compute client",
  intro:
    'In logs (`code`) and behind messages of `GCPFailed`. "Again" means that the same call may succeed later with nobody changing anything.',
  tests: ["controller/compute/", "controller/manager/"],
  entries: [
    { code: "NotFound", meaning: "The object is not there.", remedy: "Not again by itself." },
    { code: "AlreadyExists", meaning: "An object of that name is there.", remedy: "Not again by itself." },
    { code: "RateLimited", meaning: "Too many requests in a minute (`rateLimitExceeded`, HTTP 429).", remedy: "Tried again." },
    { code: "ConcurrentOperations", meaning: "Too many operations at a time.", remedy: "Tried again." },
    { code: "QuotaExceeded", meaning: "A count quota is used up; the message names it.", remedy: "Not again by itself." },
    { code: "Conflict", meaning: "The object is not ours, or is not what it was.", remedy: "Not again by itself." },
    { code: "PreconditionFailed", meaning: "Somebody changed it in between.", remedy: "Tried again." },
    {
      code: "PermissionDenied",
      meaning: "The controller's role lacks something, or an API is off.",
      remedy: "Not again by itself.",
    },
    { code: "Invalid", meaning: "The request makes no sense to Google Cloud.", remedy: "Not again by itself." },
    { code: "InUse", meaning: "Something else still uses the object.", remedy: "Tried again." },
    {
      code: "Unavailable",
      meaning: "A server-side error, or another operation on the object is under way.",
      remedy: "Tried again.",
    },
    {
      code: "Timeout",
      meaning: "An operation took longer than the deadline. It is waited for again, not sent again.",
      remedy: "Tried again.",
    },
    { code: "Network", meaning: "No whole answer came.", remedy: "Tried again." },
    { code: "Fenced", meaning: "Not sent: this process does not hold the lease any more.", remedy: "Not again by itself." },
    { code: "Unknown", meaning: "None of these; the message has all there is.", remedy: "Not again by itself." },
  ],
};
