// SPDX-License-Identifier: Apache-2.0
// Types without a REST twin in the emulator (identity, fleet, routers, anything else): kept whole in its generic store.
import { createHash } from "node:crypto";
import { isRecord, same, textAt, type Props } from "../value";
import { parseId, shortName, text, type Kind } from "./kind";
import { CloudError, type Cloud } from "./rest";

interface StoreSpec {
  label: string;
  named?: boolean;
  defaults: Kind["defaults"];
  id: (p: Props) => string;
  forms: readonly string[];
  outputs?: (p: Props, id: string) => Props;
  labels?: boolean;
  /** Made again without complaint when it exists: the cloud keeps a set of members, not resources. */
  additive?: boolean;
}

// The store lists by type, so the type is one word of the path: `gcp:projects:IAMMember`.
const pathOf = (type: string, id: string): string =>
  `sandbox/v1/resources/${encodeURIComponent(type.replace(/\/\w+:/, ":"))}/${id.split("/").map(encodeURIComponent).join("/")}`;

/** A type of the generic store. */
export function stored(type: string, spec: StoreSpec): Kind {
  const save = (cloud: Cloud, p: Props): Promise<Props> => cloud.request("PUT", pathOf(type, spec.id(p)), { inputs: p });
  return {
    label: spec.label,
    named: spec.named ?? false,
    defaults: spec.defaults,
    references: [],
    labels: spec.labels ? "labels" : undefined,
    id: spec.id,
    fromId: (id) => parseId(spec.forms, id),
    async create(cloud, p) {
      const id = spec.id(p);
      if (spec.additive !== true && (await cloud.find(pathOf(type, id))) !== undefined) {
        throw new CloudError(409, "alreadyExists", `googleapi: Error 409: The resource '${id}' already exists, alreadyExists`);
      }
      await save(cloud, p);
    },
    async read(cloud, p) {
      const id = spec.id(p);
      const found = await cloud.find(pathOf(type, id));
      if (found === undefined) return undefined;
      return { ...(isRecord(found.inputs) ? found.inputs : {}), ...spec.outputs?.(p, id) };
    },
    async update(cloud, olds, news) {
      if (!same(olds, news)) await save(cloud, news);
    },
    async delete(cloud, state) {
      await cloud.request("DELETE", pathOf(type, spec.id(state)));
    },
  };
}

const project = (p: Props): string => text(p, "project");
const email = (p: Props): string => `${text(p, "accountId")}@${project(p)}.iam.gserviceaccount.com`;
/** A number that is always the same for the same text, as long as Google's unique ids. */
export const numberFor = (seed: string): string =>
  (BigInt(`0x${createHash("sha256").update(seed).digest("hex").slice(0, 16)}`) % 9_000_000_000n).toString().padStart(12, "1");

const ACCOUNT = "gcp:serviceaccount/account:Account";
const ROLE = "gcp:projects/iAMCustomRole:IAMCustomRole";
const PROJECT_MEMBER = "gcp:projects/iAMMember:IAMMember";
const ACCOUNT_MEMBER = "gcp:serviceaccount/iAMMember:IAMMember";
const SERVICE = "gcp:projects/service:Service";
const MEMBERSHIP = "gcp:gkehub/membership:Membership";
const ROUTER = "gcp:compute/router:Router";
const ROUTER_NAT = "gcp:compute/routerNat:RouterNat";

const etag = (_p: Props, id: string): Props => ({ etag: createHash("sha256").update(id).digest("base64").slice(0, 12) });

export const STORED_KINDS: Readonly<Record<string, Kind>> = {
  [ACCOUNT]: stored(ACCOUNT, {
    label: "service account",
    defaults: ["project"],
    id: (p) => `projects/${project(p)}/serviceAccounts/${email(p)}`,
    forms: ["projects/{project}/serviceAccounts/{accountId}@[^/]+"],
    outputs: (p, id) => ({ email: email(p), name: id, member: `serviceAccount:${email(p)}`, uniqueId: numberFor(id) }),
  }),
  [ROLE]: stored(ROLE, {
    label: "custom project role",
    defaults: ["project"],
    id: (p) => `projects/${project(p)}/roles/${text(p, "roleId")}`,
    forms: ["projects/{project}/roles/{roleId}"],
    outputs: (_p, id) => ({ name: id, deleted: false }),
  }),
  [PROJECT_MEMBER]: stored(PROJECT_MEMBER, {
    label: "IAM Member",
    defaults: ["project"],
    id: (p) => `${project(p)}/${text(p, "role")}/${text(p, "member")}${conditionTitle(p)}`,
    forms: ["{project}/(?<role>roles/[^/]+|projects/[^/]+/roles/[^/]+)/(?<member>.+)", "{project} (?<role>\\S+) (?<member>.+)"],
    outputs: etag,
    additive: true,
  }),
  [ACCOUNT_MEMBER]: stored(ACCOUNT_MEMBER, {
    label: "IAM Member",
    defaults: [],
    id: (p) => `${text(p, "serviceAccountId")}/${text(p, "role")}/${text(p, "member")}${conditionTitle(p)}`,
    forms: ["(?<serviceAccountId>projects/[^/]+/serviceAccounts/[^/]+)/(?<role>roles/[^/]+)/(?<member>.+)"],
    outputs: etag,
    additive: true,
  }),
  [SERVICE]: stored(SERVICE, {
    label: "project service",
    defaults: ["project"],
    id: (p) => `${project(p)}/${text(p, "service")}`,
    forms: ["{project}/{service}"],
    additive: true,
  }),
  [MEMBERSHIP]: stored(MEMBERSHIP, {
    label: "Membership",
    defaults: ["project"],
    labels: true,
    id: (p) => `projects/${project(p)}/locations/${textAt(p, "location") ?? "global"}/memberships/${text(p, "membershipId")}`,
    forms: ["projects/{project}/locations/{location}/memberships/{membershipId}"],
    outputs: (_p, id) => ({ name: id }),
  }),
  [ROUTER]: stored(ROUTER, {
    label: "Router",
    named: true,
    defaults: ["project", "region"],
    id: (p) => `projects/${project(p)}/regions/${shortName(p.region)}/routers/${text(p, "name")}`,
    forms: ["projects/{project}/regions/{region}/routers/{name}", "{project}/{region}/{name}"],
    outputs: (_p, id) => ({ selfLink: `https://www.googleapis.com/compute/v1/${id}` }),
  }),
  [ROUTER_NAT]: stored(ROUTER_NAT, {
    label: "RouterNat",
    named: true,
    defaults: ["project", "region"],
    id: (p) => `${project(p)}/${shortName(p.region)}/${shortName(p.router)}/${text(p, "name")}`,
    forms: ["{project}/{region}/{router}/{name}"],
  }),
};

function conditionTitle(p: Props): string {
  const title = textAt(p, "condition.title");
  return title === undefined ? "" : `/${title}`;
}

/** Any other type: an id from project, place and name. `inputs` are the SDK's, to see what the type has. */
export function otherKind(type: string, inputs: ReadonlySet<string>): Kind {
  const cls = type.split(":").at(-1) ?? type;
  const collection = `${cls.charAt(0).toLowerCase()}${cls.slice(1)}s`;
  const places = (["region", "zone", "location"] as const).filter((k) => inputs.has(k));
  const place = (p: Props): string => places.map((k) => (textAt(p, k) === undefined ? "" : `/${k}s/${shortName(p[k])}`)).join("");
  return stored(type, {
    label: cls,
    named: inputs.has("name"),
    defaults: [...(inputs.has("project") ? (["project"] as const) : []), ...places.filter((k) => k !== "location").slice(0, 1)],
    labels: inputs.has("labels"),
    id: (p) => `projects/${project(p)}${place(p)}/${collection}/${otherName(p)}`,
    forms: [
      `projects/{project}/regions/{region}/${collection}/{name}`,
      `projects/{project}/zones/{zone}/${collection}/{name}`,
      `projects/{project}/${collection}/{name}`,
    ],
    outputs: (_p, id) => ({ selfLink: id }),
  });
}

// A type without a name has some other input that tells one from the next.
function otherName(p: Props): string {
  const key = ["name", "accountId", "roleId", "membershipId", "serviceAccountId", "service"].find(
    (k) => textAt(p, k) !== undefined,
  );
  if (key !== undefined) return text(p, key);
  return createHash("sha256").update(JSON.stringify(p)).digest("hex").slice(0, 12);
}
