// SPDX-License-Identifier: Apache-2.0
// VPC firewall rules, checked and completed but applied to nothing.
import { asText } from "../text";
import { copied, type Identity, oneOf } from "../checks";
import { deleteRow, getRow, insertRow, listRow, testPermissionsRow, updateRow } from "../crud";
import type { Call, Row } from "../env";
import { link } from "../env";
import { invalid, notFound, required } from "../errors";
import { parseCidr } from "../ipv4";
import type { Firewall, JsonObject } from "../types";

const FIELDS = [
  "description",
  "allowed",
  "denied",
  "sourceRanges",
  "destinationRanges",
  "sourceTags",
  "targetTags",
  "sourceServiceAccounts",
  "targetServiceAccounts",
  "disabled",
  "logConfig",
] as const;

export const FIREWALL_ROWS: readonly Row[] = [
  getRow("firewalls"),
  listRow("firewalls"),
  insertRow("firewalls", (call, identity) => build(call, identity, call.body)),
  deleteRow("firewalls", () => undefined),
  updateRow("firewalls", { name: "update", verb: "PUT", type: "update" }, (call, before) =>
    build(call, identityOf(before), call.body),
  ),
  updateRow("firewalls", { name: "patch", verb: "PATCH", type: "patch" }, (call, before) =>
    build(call, identityOf(before), { ...(before as unknown as JsonObject), ...call.body }),
  ),
  testPermissionsRow("firewalls"),
];

function identityOf({ kind, id, name, creationTimestamp, selfLink }: Firewall): Identity {
  return { kind, id, name, creationTimestamp, selfLink };
}

function build(call: Call, identity: Identity, body: JsonObject): Firewall {
  const path = link(call, "resource.network", body.network ?? "global/networks/default", "networks");
  const network = call.env.store.of("networks").get(path);
  if (!network) throw notFound(path);
  const direction = oneOf("resource.direction", body.direction, ["INGRESS", "EGRESS"], "INGRESS");
  const priority = body.priority === undefined ? 1000 : Number(body.priority);
  if (!(priority >= 0 && priority <= 65535)) throw invalid("resource.priority", body.priority, "It must be between 0 and 65535.");
  checkAction(body);
  checkRanges(body, direction);
  return {
    ...identity,
    disabled: false,
    logConfig: { enable: false },
    ...copied(body, FIELDS),
    ...everywhere(body, direction),
    network: network.selfLink,
    direction,
    priority,
  };
}

function checkAction(body: JsonObject): void {
  if (body.allowed !== undefined && body.denied !== undefined) {
    throw invalid("resource.denied", body.denied, "It cannot be used together with allowed.");
  }
  const rules = (body.allowed ?? body.denied) as JsonObject[] | undefined;
  if (!Array.isArray(rules) || rules.length === 0) throw required("resource.allowed");
  rules.forEach(checkRule);
}

function checkRule(rule: JsonObject): void {
  if (typeof rule.IPProtocol !== "string") throw required("resource.allowed.IPProtocol");
  const ports = Array.isArray(rule.ports) ? rule.ports : [];
  const bad = ports.find((port) => !/^\d{1,5}(-\d{1,5})?$/.test(asText(port)));
  if (bad !== undefined) throw invalid("resource.allowed.ports", bad, "A port is a number or LOW-HIGH.");
}

function checkRanges(body: JsonObject, direction: string): void {
  const wrong = direction === "INGRESS" ? "destinationRanges" : "sourceRanges";
  if (direction === "EGRESS" && body[wrong] !== undefined)
    throw invalid(`resource.${wrong}`, body[wrong], "An EGRESS rule has destinationRanges.");
  for (const field of ["sourceRanges", "destinationRanges"]) {
    const ranges = body[field] ?? [];
    const bad = (Array.isArray(ranges) ? ranges : [ranges]).find(
      (r) => typeof r !== "string" || (!r.includes(":") && !parseCidr(withPrefix(r))),
    );
    if (bad !== undefined) throw invalid(`resource.${field}`, bad, "It must be an IP range.");
  }
}

function withPrefix(text: string): string {
  return text.includes("/") ? text : `${text}/32`;
}

/** A rule that names no peer means everybody. */
function everywhere(body: JsonObject, direction: string): JsonObject {
  const peers = ["sourceRanges", "sourceTags", "sourceServiceAccounts"];
  if (direction === "EGRESS") return body.destinationRanges === undefined ? { destinationRanges: ["0.0.0.0/0"] } : {};
  return peers.every((field) => body[field] === undefined) ? { sourceRanges: ["0.0.0.0/0"] } : {};
}
