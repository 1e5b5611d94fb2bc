// SPDX-License-Identifier: Apache-2.0
// Items about Google Cloud. They need --project; without it they say so, and the route conditions speak for the controller's own access.
import { forwardingRuleName, scopeOfClass, targetInstanceName, type AddressBinding } from "../api";
import { ingressAllowed, type CloudSnapshot, type ObservedRule } from "../compute";
import { addressesOf } from "../manager/views";
import type { CheckInput } from "./check-input";
import { fail, ok, some, warn, type CheckItem, type CheckResult } from "./check-item";

const NOT_READ = warn("Google Cloud was not read", "give --project (and gcloud auth application-default login)");
/** An item that looks at the lists of Google Cloud. */
const reading =
  (look: (input: CheckInput, cloud: CloudSnapshot) => CheckResult) =>
  (input: CheckInput): CheckResult => {
    if (input.cloud.state === "read") return look(input, input.cloud.snapshot);
    return input.cloud.state === "refused" ? warn("Google Cloud could not be read", "see item compute-access") : NOT_READ;
  };
const held = ({ dw }: CheckInput): AddressBinding[] => dw.bindings.filter((b) => b.status?.phase === "Held");
const rulesOf = ({ dump }: CheckInput, b: AddressBinding, cloud: CloudSnapshot): ObservedRule[] => {
  const base = forwardingRuleName(dump.settings.clusterUid, b.metadata.name);
  return cloud.rules.filter((r) => [base, `${base}-tcp`, `${base}-udp`].includes(r.name));
};

function access(input: CheckInput): CheckResult {
  const denied = input.explained.filter((e) =>
    e.conditions.some((c) => c.reason === "GCPFailed" && /PermissionDenied|permission/i.test(c.message)),
  );
  if (denied.length > 0)
    return fail(
      `Google Cloud refuses the controller: ${denied[0]!.conditions.find((c) => c.reason === "GCPFailed")!.message}`,
      "compare the custom role with controller/api/permissions.ts, and the Workload Identity binding of the service account",
    );
  const { cloud } = input;
  if (cloud.state === "refused")
    return fail(`your own reads are refused (${cloud.code}): ${cloud.message}`, "grant roles/compute.viewer, or log in");
  if (cloud.state === "not-asked") return NOT_READ;
  const { addresses, rules, targets, firewalls } = cloud.snapshot;
  return ok(
    `read ${addresses.length} addresses, ${rules.length} rules, ${targets.length} target instances, ${firewalls.length} firewall rules`,
  );
}

const addresses = reading(({ dw }) => {
  const bad = dw.gateways.flatMap((g) => {
    const scope = scopeOfClass(g.spec.gatewayClassName);
    if (!scope || dw.world.gatewayClass(g.spec.gatewayClassName)?.spec.controllerName !== dw.world.settings.controllerName)
      return [];
    return addressesOf(g).flatMap((address) => {
      const fact = dw.cloud?.fact({ address, scope });
      return fact && !fact.usable ? [fact.message] : [];
    });
  });
  if (bad.length > 0) return fail(some(bad), "reserve them in the region of the cluster, or take them out of the Gateway");
  return ok("every address of a Gateway of ours is reserved here and can be used");
});

const rules = reading((input, cloud) => {
  const bindings = held(input);
  if (bindings.length === 0) return warn("no address is held yet, so there is no forwarding rule to see", "create a route first");
  const none = bindings.filter((b) => rulesOf(input, b, cloud).length === 0).map((b) => b.spec.address);
  if (none.length > 0)
    return fail(
      `no forwarding rule of ours for ${some(none)}`,
      "the drift pass repairs it within a minute; see the controller's logs",
    );
  const foreign = bindings.flatMap((b) => rulesOf(input, b, cloud)).filter((r) => !r.ours);
  if (foreign.length > 0)
    return fail(
      `rules with our names but not our labels: ${some(foreign.map((r) => r.name))}`,
      "labels are set by a second call after the insert; delete or rename what is not ours",
    );
  const parted = bindings
    .filter((b) => rulesOf(input, b, cloud).some((r) => r.protocol !== "L3_DEFAULT"))
    .map((b) => b.spec.address);
  if (parted.length > 0)
    return warn(
      `L3_DEFAULT was refused for ${some(parted)}: TCP and UDP rules carry them, other protocols are lost`,
      "please report it (row 8 of docs/limits.md)",
    );
  return ok(`${bindings.length} rule(s), each L3_DEFAULT with our labels`);
});

const targets = reading((input, cloud) => {
  const { clusterUid } = input.dump.settings;
  const wrong = held(input).flatMap(({ spec, status }) => {
    const h = status!.holder!;
    const name = targetInstanceName(clusterUid, h.zone, h.instance, spec.vpc);
    const found = cloud.targets.find((t) => t.name === name && t.zone === h.zone);
    if (!found) return [`${spec.address}: target instance ${name} is not there`];
    if (found.vmReplaced) return [`${spec.address}: VM ${h.instance} is younger than its target instance`];
    return spec.vpc && found.network !== spec.vpc
      ? [`${spec.address}: target instance ${name} is on ${found.network ?? "nic0"}, not ${spec.vpc}`]
      : [];
  });
  if (wrong.length > 0) return fail(some(wrong), "the controller makes it anew on its next pass; see its logs");
  return held(input).length === 0
    ? warn("no address is held yet", "create a route first")
    : ok("each holder's VM has a target instance on the network of the address");
});

const firewall = reading((input, cloud) => {
  const shut = held(input).filter((b) => b.spec.vpc && !ingressAllowed(cloud.firewalls, b.spec.vpc, b.spec.address));
  if (shut.length > 0)
    return fail(
      `no VPC firewall rule lets anything in to ${some(shut.map((b) => b.spec.address))}`,
      "set ingress on the network in the component, or add a rule; network firewall policies are not read here",
    );
  return ok("for each held address some VPC firewall rule lets traffic in");
});

function quota({ dump }: CheckInput): CheckResult {
  const count = (code: string): number =>
    [
      ...(dump.metrics ?? "").matchAll(
        new RegExp(`^persistent_ip_compute_requests_total\\{[^}]*code="${code}"[^}]*\\} (\\d+)`, "gm"),
      ),
    ].reduce((n, m) => n + Number(m[1]), 0);
  if (dump.metrics === undefined)
    return warn(
      "the controller's metrics could not be reached",
      "ask for get on pods/proxy, or look at persistent_ip_compute_requests_total",
    );
  const limited = count("403") + count("429");
  if (limited > 0)
    return warn(
      `${limited} request(s) to Compute were answered with 403 or 429`,
      "look at the project's quotas for Compute requests per minute",
    );
  return ok("no request to Compute was refused for its rate");
}

function packets(): CheckResult {
  return warn(
    "packets, sending from the address, and the moment of a switch are not to be seen in an API",
    "run once: tcpdump on the Pod's interface while a client connects; ping -I ADDRESS from the Pod; a steady stream across kubectl persistent-ip move",
  );
}

export const CLOUD_ITEMS: readonly CheckItem[] = [
  { id: "compute-access", assumptions: [13, 15, 25], look: access },
  { id: "addresses", assumptions: [16, 23], look: addresses },
  { id: "forwarding-rules", assumptions: [8, 12], look: rules },
  { id: "target-instances", assumptions: [7, 22], look: targets },
  { id: "firewall", assumptions: [20], look: firewall },
  { id: "quota", assumptions: [14], look: quota },
  { id: "packets", assumptions: [6, 9, 10], look: packets },
];
