// SPDX-License-Identifier: Apache-2.0
// What a forwarding rule carries: protocol and ports, their rules per scheme, and when two rules collide.
import type { Call } from "../env";
import { invalid, oneOfError, required } from "../errors";
import type { ForwardingRule, JsonObject } from "../types";

const PROTOCOLS = {
  EXTERNAL: ["TCP", "UDP", "ESP", "AH", "SCTP", "ICMP", "L3_DEFAULT"],
  INTERNAL: ["TCP", "UDP", "L3_DEFAULT"],
} as const;
const WITH_PORTS = ["TCP", "UDP", "SCTP"];

type Traffic = Pick<ForwardingRule, "IPProtocol" | "allPorts" | "ports" | "portRange">;

/** @throws ApiError `invalid` or `required` naming the field */
export function traffic(call: Call, scheme: "EXTERNAL" | "INTERNAL"): Traffic {
  const { body, env } = call;
  const protocol = (body.IPProtocol ?? "TCP") as string;
  const allowed: readonly string[] = PROTOCOLS[scheme].filter(
    (p) => env.faults.internalL3Default || scheme !== "INTERNAL" || p !== "L3_DEFAULT",
  );
  if (!allowed.includes(protocol)) throw oneOfError("resource.IPProtocol", protocol, allowed);
  const given = ["allPorts", "ports", "portRange"].filter((field) => body[field] !== undefined && body[field] !== false);
  if (given.length > 1)
    throw invalid(`resource.${given[1]}`, body[given[1] ?? ""], `It cannot be used together with ${given[0]}.`);
  return { IPProtocol: protocol, ...ports(call, protocol, scheme) };
}

function ports(call: Call, protocol: string, scheme: string): Partial<Traffic> {
  const { body } = call;
  if (protocol === "L3_DEFAULT") {
    if (body.allPorts !== true)
      throw invalid("resource.allPorts", body.allPorts ?? false, "It must be true for the protocol L3_DEFAULT.");
    return { allPorts: true };
  }
  if (!WITH_PORTS.includes(protocol)) {
    const given = body.portRange ?? body.ports ?? (body.allPorts === true || undefined);
    if (given !== undefined) throw invalid("resource.portRange", given, `${protocol} has no ports.`);
    return {};
  }
  return portsOf(body, scheme);
}

function portsOf(body: JsonObject, scheme: string): Partial<Traffic> {
  if (body.allPorts === true) return { allPorts: true };
  if (body.ports !== undefined) return { ports: listOfPorts(body.ports) };
  if (body.portRange !== undefined) return { portRange: range("resource.portRange", body.portRange).join("-") };
  if (scheme === "INTERNAL") throw required("resource.ports");
  return { portRange: "1-65535" };
}

function listOfPorts(value: unknown): string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > 5)
    throw invalid("resource.ports", value, "Give 1 to 5 ports.");
  value.forEach((port) => range("resource.ports", port));
  return value.map(String);
}

function range(field: string, value: unknown): [number, number] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(value));
  const low = Number(match?.[1]);
  const high = Number(match?.[2] ?? match?.[1]);
  if (!match || low < 1 || high > 65535 || low > high) throw invalid(field, value, "A port is 1 to 65535, a range LOW-HIGH.");
  return [low, high];
}

function ranges(rule: Traffic): [number, number][] {
  if (rule.ports) return rule.ports.map((port) => range("ports", port));
  return rule.portRange ? [range("portRange", rule.portRange)] : [[0, 65535]];
}

/** Whether two rules on one address would both match a packet by the same protocol (api.md 4.3). */
export function collide(a: Traffic, b: Traffic): boolean {
  return a.IPProtocol === b.IPProtocol && ranges(a).some(([low, high]) => ranges(b).some(([l, h]) => low <= h && l <= high));
}
