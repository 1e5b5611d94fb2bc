// SPDX-License-Identifier: Apache-2.0
// The rules of the pack as pure functions over what a stack plans: no engine, no cloud. index.ts hands resources in and findings out.

/** A resource as the engine plans it; of its properties some may be unknown (absent) in a preview. */
export interface Planned {
  type: string;
  urn: string;
  name: string;
  props: Record<string, unknown>;
  /** The engine refuses to delete or replace it. */
  protect: boolean;
}
export interface Finding {
  urn: string;
  message: string;
}

export const TYPES = {
  address: "gcp:compute/address:Address",
  cluster: "gcp:container/cluster:Cluster",
  route: "kubernetes:networking.gke.io/v1:GKEIPRoute",
  gateway: "kubernetes:gateway.networking.k8s.io/v1:Gateway",
  secret: "kubernetes:core/v1:Secret",
} as const;
/** Stands in the URN of everything that one of the package's components has made. */
const OURS = "gke-persistent-ip:index:";

type Json = Record<string, unknown>;
const object = (value: unknown): Json =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const spec = (p: Planned): Json => object(p.props["spec"]);
const nameOf = (p: Planned): string => {
  const metadata = object(p.props["metadata"]);
  return `${text(metadata["namespace"]) ?? "default"}/${text(metadata["name"]) ?? p.name}`;
};
const bare = (address: string): string => address.replace(/\/32$/, "");

/** A reserved address that is given back is gone for ever, so each must be protected. */
export function reservedAddressProtected(p: Planned): string[] {
  if (p.type !== TYPES.address || !p.urn.includes(OURS) || p.protect) return [];
  const shown = text(p.props["address"]) ?? text(p.props["name"]) ?? p.name;
  return [
    `address ${shown} is not protected: a destroy or an edit would give it back to Google for ever; leave onDestroy at Protect`,
  ];
}

/** A route without a selector would pick any Pod of its namespace. */
export function noEmptySelector(p: Planned): string[] {
  if (p.type !== TYPES.route || spec(p)["podSelector"] === undefined) return [];
  const selector = object(spec(p)["podSelector"]);
  const conditions = Object.keys(object(selector["matchLabels"])).length + list(selector["matchExpressions"]).length;
  return conditions > 0 ? [] : [`route ${nameOf(p)} has an empty podSelector: any Pod of the namespace could get its addresses`];
}

/** Addresses of a route. */
function addressesOf(p: Planned): string[] {
  return list(spec(p)["addresses"]).flatMap((a) => {
    const value = text(object(a)["value"]);
    return value === undefined ? [] : [bare(value)];
  });
}

/** Two routes that want one address: the older one has it, and the other one waits for ever. Found in the order of URNs; the engine's own differs from run to run. */
export function oneRoutePerAddress(stack: readonly Planned[]): Finding[] {
  const first = new Map<string, Planned>();
  return stack
    .filter((p) => p.type === TYPES.route)
    .sort((a, b) => (a.urn < b.urn ? -1 : 1))
    .flatMap((p) =>
      addressesOf(p).flatMap((address) => {
        const other = first.get(address);
        first.set(address, other ?? p);
        if (other === undefined) return [];
        const who = other === p ? "lists it twice" : `shares it with route ${nameOf(other)}`;
        return [{ urn: p.urn, message: `route ${nameOf(p)} wants ${address} and ${who}; an address has one route` }];
      }),
    );
}

const regionOf = (location: string): string => location.replace(/-[a-z]$/, "");
const shortName = (link: string): string => link.slice(link.lastIndexOf("/") + 1);

/** Resources of a type that one of the package's components has made. */
const ours = (stack: readonly Planned[], type: string): Planned[] => stack.filter((p) => p.type === type && p.urn.includes(OURS));

/** Forwarding rules are regional: an address of another region than the cluster's can never reach one of its nodes. */
export function addressesInRegionOfCluster(stack: readonly Planned[]): Finding[] {
  const regions = new Set(
    ours(stack, TYPES.cluster).flatMap((c) => {
      const location = text(c.props["location"]);
      return location === undefined ? [] : [regionOf(location)];
    }),
  );
  if (regions.size === 0) return [];
  return ours(stack, TYPES.address).flatMap((a) => {
    const region = text(a.props["region"]);
    return region === undefined || regions.has(shortName(region))
      ? []
      : [
          {
            urn: a.urn,
            message: `address ${a.name} is in ${shortName(region)}, the cluster in ${[...regions].sort().join(" or ")}`,
          },
        ];
  });
}

/** Addresses of one Gateway are interchangeable to its routes, so they should be of one network tier; internal ones have none. */
export function oneTierPerGateway(stack: readonly Planned[]): Finding[] {
  const tiers = new Map<string, string>();
  for (const a of stack.filter((p) => p.type === TYPES.address)) {
    const [ip, tier] = [text(a.props["address"]), text(a.props["networkTier"])];
    if (ip !== undefined && tier !== undefined && a.props["addressType"] !== "INTERNAL") tiers.set(ip, tier);
  }
  return stack
    .filter((p) => p.type === TYPES.gateway)
    .flatMap((g) => {
      const used = addressesOf(g).flatMap((ip) => tiers.get(ip) ?? []);
      const found = [...new Set(used)].sort();
      return found.length < 2
        ? []
        : [{ urn: g.urn, message: `Gateway ${nameOf(g)} mixes addresses of network tiers ${found.join(" and ")}` }];
    });
}

/** What a secret looks like when it lies open. */
const SECRETS: readonly { what: string; pattern: RegExp }[] = [
  { what: "a private key", pattern: /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/ },
  { what: "a service account key", pattern: /"private_key_id"\s*:/ },
  { what: "an access token of Google Cloud", pattern: /\bya29\.[\w-]{20,}/ },
  { what: "a bearer token of a kubeconfig", pattern: /(?:^|[\s,{])["']?token["']?\s*:\s*["']?[\w.-]{20,}/ },
  { what: "a client key of a kubeconfig", pattern: /client-key-data["']?\s*:/ },
];

/** Where a value lies and what it is; strings only, depth first. */
function* strings(value: unknown, path: string): Generator<{ path: string; text: string }> {
  if (typeof value === "string") yield { path, text: value };
  else if (Array.isArray(value)) for (const [i, v] of value.entries()) yield* strings(v, `${path}[${i}]`);
  else for (const [key, v] of Object.entries(object(value))) yield* strings(v, path === "" ? key : `${path}.${key}`);
}

/**
 * Secrets that lie open where whoever may read the object sees them: in Kubernetes objects that are no Secret, and in Google Cloud outside of
 * Secret Manager. (What the engine keeps encrypted in its state is handed to policies decrypted, so state is not what this rule can judge.)
 */
export function noPlainSecrets(p: Planned): string[] {
  const open = /^(kubernetes|gcp):/.test(p.type) && p.type !== TYPES.secret && !p.type.startsWith("gcp:secretmanager/");
  if (!open) return [];
  return [...strings(p.props, "")].flatMap(({ path, text: value }) =>
    SECRETS.filter((s) => s.pattern.test(value)).map(
      (s) => `${path} holds ${s.what} in plain text; put it into a Kubernetes Secret`,
    ),
  );
}
