// SPDX-License-Identifier: Apache-2.0
// Network endpoint groups, regional backend services and health checks, as far as gcloud's commands and the haPolicy form
// of api.md 4.2 need them.
import { copied, type Identity, oneOf, stale } from "../checks";
import { aggregatedRow, changing, deleteRow, existing, getRow, insertRow, listRow, row, updateRow } from "../crud";
import type { Call, Env, Row } from "../env";
import { link } from "../env";
import { inUse, invalid, notFound, required } from "../errors";
import { fingerprint, sameFingerprint } from "../ids";
import { pathOf, selfLink } from "../links";
import { page } from "../listing";
import type { BackendService, Endpoint, EndpointGroup, JsonObject, Resource } from "../types";

const OUTPUT_ONLY = ["id", "kind", "selfLink", "region", "zone", "creationTimestamp", "fingerprint", "name"];

export const BACKEND_ROWS: readonly Row[] = [
  aggregatedRow("networkEndpointGroups"),
  getRow("networkEndpointGroups"),
  listRow("networkEndpointGroups"),
  insertRow("networkEndpointGroups", endpointGroup),
  deleteRow("networkEndpointGroups", (env, g) => refuseBackend(env, "network_endpoint_group", g)),
  row("networkEndpointGroups", "POST attachNetworkEndpoints", "/{networkEndpointGroup}/attachNetworkEndpoints", (call) =>
    endpointsChange(call, "attachNetworkEndpoints", (before, given) => [
      ...before,
      ...given.filter((g) => !before.some((b) => same(b, g))),
    ]),
  ),
  row("networkEndpointGroups", "POST detachNetworkEndpoints", "/{networkEndpointGroup}/detachNetworkEndpoints", (call) =>
    endpointsChange(call, "detachNetworkEndpoints", detached),
  ),
  row("networkEndpointGroups", "POST listNetworkEndpoints", "/{networkEndpointGroup}/listNetworkEndpoints", listEndpoints),
  getRow("backendServices"),
  listRow("backendServices"),
  insertRow("backendServices", (call, identity) => service(call, identity, call.body)),
  deleteRow("backendServices", refuseRule),
  updateRow("backendServices", { name: "update", verb: "PUT", type: "update" }, (call, before) =>
    service(call, fresh(call, before), call.body),
  ),
  updateRow("backendServices", { name: "patch", verb: "PATCH", type: "patch" }, (call, before) =>
    service(call, fresh(call, before), { ...(before as unknown as JsonObject), ...call.body }),
  ),
  row("backendServices", "POST getHealth", "/{backendService}/getHealth", (call) => {
    existing(call, "backendServices");
    return { kind: "compute#backendServiceGroupHealth" };
  }),
  getRow("healthChecks"),
  listRow("healthChecks"),
  insertRow("healthChecks", (call, identity) => check(identity, call.body)),
  deleteRow("healthChecks", (env, c) => refuseBackend(env, "health_check", c)),
  updateRow("healthChecks", { name: "update", verb: "PUT", type: "update" }, (call, before) =>
    check(identityOf(before), call.body),
  ),
  updateRow("healthChecks", { name: "patch", verb: "PATCH", type: "patch" }, (call, before) =>
    check(identityOf(before), { ...(before as unknown as JsonObject), ...call.body }),
  ),
];

function identityOf({ kind, id, name, creationTimestamp, selfLink: url, region, zone }: Resource): Identity {
  return { kind, id, name, creationTimestamp, selfLink: url, ...(region ? { region } : {}), ...(zone ? { zone } : {}) };
}

function endpointGroup(call: Call, identity: Identity): EndpointGroup {
  const { body, env } = call;
  const type = oneOf(
    "resource.networkEndpointType",
    body.networkEndpointType,
    ["GCE_VM_IP", "GCE_VM_IP_DEDICATED_BACKEND", "GCE_VM_IP_PORT"],
    "GCE_VM_IP_PORT",
  );
  const network = link(call, "resource.network", body.network ?? "global/networks/default", "networks");
  if (!env.store.of("networks").get(network)) throw notFound(network);
  const subnetwork =
    body.subnetwork === undefined ? undefined : link(call, "resource.subnetwork", body.subnetwork, "subnetworks");
  if (subnetwork !== undefined && !env.store.of("subnetworks").get(subnetwork)) throw notFound(subnetwork);
  if (subnetwork === undefined && type.startsWith("GCE_VM_IP")) throw required("resource.subnetwork");
  return {
    ...identity,
    ...copied(body, ["description", "annotations", "defaultPort"]),
    networkEndpointType: type,
    network: selfLink(network),
    ...(subnetwork === undefined ? {} : { subnetwork: selfLink(subnetwork) }),
    size: 0,
  };
}

function endpointsChange(call: Call, type: string, next: (before: Endpoint[], given: Endpoint[]) => Endpoint[]): object {
  return changing(call, { kind: "networkEndpointGroups", type }, (before) => {
    const endpoints = next(before.endpoints ?? [], given(call, before));
    return () => void call.env.store.of("networkEndpointGroups").put({ ...before, endpoints, size: endpoints.length });
  });
}

function given(call: Call, before: EndpointGroup): Endpoint[] {
  const list = call.body.networkEndpoints;
  if (!Array.isArray(list) || list.length === 0) throw required("resource.networkEndpoints");
  const zone = call.params.zone ?? "";
  return (list as unknown as Endpoint[]).map((endpoint) => {
    const name = endpoint.instance?.split("/").at(-1);
    if (name === undefined) throw required("resource.networkEndpoints.instance");
    const path = `projects/${call.env.project}/zones/${zone}/instances/${name}`;
    const vm = call.env.store.of("instances").get(path);
    if (!vm) throw notFound(path);
    const nic = vm.networkInterfaces.find((candidate) => candidate.network === before.network);
    if (!nic)
      throw invalid(
        "resource.networkEndpoints.instance",
        name,
        `It has no interface in network '${pathOf(before.network ?? "")}'.`,
      );
    if (endpoint.ipAddress !== undefined && endpoint.ipAddress !== nic.networkIP) {
      throw invalid(
        "resource.networkEndpoints.ipAddress",
        endpoint.ipAddress,
        `The instance's address in that network is ${nic.networkIP}.`,
      );
    }
    return { instance: vm.selfLink, ipAddress: nic.networkIP, ...(endpoint.port === undefined ? {} : { port: endpoint.port }) };
  });
}

function same(a: Endpoint, b: Endpoint): boolean {
  return a.instance === b.instance && a.ipAddress === b.ipAddress && a.port === b.port;
}

function detached(before: Endpoint[], wanted: Endpoint[]): Endpoint[] {
  const missing = wanted.find((endpoint) => !before.some((b) => same(b, endpoint)));
  if (missing) throw invalid("resource.networkEndpoints", missing, "It is not attached.");
  return before.filter((endpoint) => !wanted.some((w) => same(w, endpoint)));
}

function listEndpoints(call: Call): object {
  const group = existing(call, "networkEndpointGroups");
  const path = pathOf(group.selfLink);
  const all = (group.endpoints ?? []).map((networkEndpoint, index) => ({
    networkEndpoint,
    name: `${networkEndpoint.instance}/${networkEndpoint.ipAddress}/${networkEndpoint.port ?? ""}`,
    id: String(index),
    creationTimestamp: "",
  }));
  const { items, nextPageToken } = page(all, { ...call.query, filter: "" });
  return {
    kind: "compute#networkEndpointGroupsListNetworkEndpoints",
    id: path,
    ...(items.length > 0 ? { items: items.map(({ networkEndpoint }) => ({ networkEndpoint, healths: [] })) } : {}),
    ...(nextPageToken ? { nextPageToken } : {}),
  };
}

function fresh(call: Call, before: BackendService): Identity {
  const sent = call.body.fingerprint;
  if (typeof sent === "string" && !sameFingerprint(sent, before.fingerprint ?? "")) throw stale("Resource");
  return identityOf(before);
}

function service(call: Call, identity: Identity, body: JsonObject): BackendService {
  const scheme = oneOf("resource.loadBalancingScheme", body.loadBalancingScheme, ["EXTERNAL", "INTERNAL"], "EXTERNAL");
  const protocol = oneOf("resource.protocol", body.protocol, ["TCP", "UDP", "UNSPECIFIED"], "TCP");
  const fields = Object.fromEntries(Object.entries(body).filter(([field]) => !OUTPUT_ONLY.includes(field)));
  const checks = links(call, "resource.healthChecks", body.healthChecks, "healthChecks");
  checkHaPolicy(body, checks);
  const backends = ((body.backends ?? []) as JsonObject[]).map((backend) => ({
    balancingMode: "CONNECTION",
    ...backend,
    group: links(call, "resource.backends.group", [backend.group], "networkEndpointGroups")[0],
  }));
  const built: BackendService = {
    timeoutSec: 30,
    sessionAffinity: "NONE",
    ...fields,
    ...identity,
    loadBalancingScheme: scheme,
    protocol,
    ...(checks.length > 0 ? { healthChecks: checks } : {}),
    ...(backends.length > 0 ? { backends } : {}),
  };
  return {
    ...built,
    fingerprint: fingerprint([built.backends, built.healthChecks, built.haPolicy, built.timeoutSec, built.failoverPolicy]),
  };
}

/** With haPolicy there are no health checks, affinity, tracking or failover policy (api.md 4.2). */
function checkHaPolicy(body: JsonObject, checks: readonly string[]): void {
  if (body.haPolicy === undefined) return;
  if (checks.length > 0) throw invalid("resource.healthChecks", checks[0], "It cannot be used together with haPolicy.");
  const forbidden = ["connectionTrackingPolicy", "failoverPolicy"].find((field) => body[field] !== undefined);
  if (forbidden) throw invalid(`resource.${forbidden}`, body[forbidden], "It cannot be used together with haPolicy.");
}

function links(call: Call, field: string, value: unknown, kind: "healthChecks" | "networkEndpointGroups"): string[] {
  return (Array.isArray(value) ? value : []).map((url) => {
    const path = link(call, field, url, kind);
    if (!call.env.store.of(kind).get(path)) throw notFound(path);
    return selfLink(path);
  });
}

function check(identity: Identity, body: JsonObject): Resource {
  const type = oneOf("resource.type", body.type, ["TCP", "SSL", "HTTP", "HTTPS", "HTTP2", "GRPC"], "TCP");
  const fields = Object.fromEntries(Object.entries(body).filter(([field]) => !OUTPUT_ONLY.includes(field)));
  return { checkIntervalSec: 5, timeoutSec: 5, healthyThreshold: 2, unhealthyThreshold: 2, ...fields, ...identity, type };
}

function refuseBackend(env: Env, noun: string, resource: Resource): void {
  const user = env.store
    .of("backendServices")
    .all()
    .find((candidate) => JSON.stringify([candidate.backends, candidate.healthChecks]).includes(`"${resource.selfLink}"`));
  if (user) throw inUse(noun, pathOf(resource.selfLink), pathOf(user.selfLink));
}

function refuseRule(env: Env, backend: BackendService): void {
  const path = pathOf(backend.selfLink);
  const [rule] = env.store.of("forwardingRules").by("target", path);
  if (rule) throw inUse("backend_service", path, pathOf(rule.selfLink));
}
