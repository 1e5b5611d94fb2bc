// SPDX-License-Identifier: Apache-2.0
// The VM metadata server: enough for google-auth-library and gcloud to find project, identity and a token.
import { asText } from "../text";
import type { Call, Row } from "../env";
import { RawReply } from "../env";
import { ApiError } from "../errors";
import type { Json, JsonObject } from "../types";

const FLAVOR = { "metadata-flavor": "Google", server: "Metadata Server for VM" };
const TOKEN_SECONDS = 3599;
const SCOPES = ["https://www.googleapis.com/auth/cloud-platform"];

/** Further values below `instance/attributes/`, e.g. `cluster-name`. */
export type InstanceAttributes = Readonly<Record<string, string>>;

export function metadataRows(attributes: InstanceAttributes): Row[] {
  const handler = (call: Call) => respond(call, attributes);
  return [
    { id: "metadata.ping", verb: "GET", path: "", handler: () => new RawReply(text("computeMetadata/\n")) },
    { id: "metadata.get", verb: "GET", path: "computeMetadata/v1", handler },
    { id: "metadata.get", verb: "GET", path: "computeMetadata/v1/{key*}", handler },
  ];
}

function text(content: string) {
  return { status: 200, headers: { ...FLAVOR, "content-type": "application/text" }, content };
}

function json(value: Json) {
  return { status: 200, headers: { ...FLAVOR, "content-type": "application/json" }, content: JSON.stringify(value) };
}

function respond(call: Call, attributes: InstanceAttributes): RawReply {
  if (call.headers["metadata-flavor"] !== "Google") throw new ApiError("forbidden", "Missing Metadata-Flavor:Google header.");
  const key = (call.params.key ?? "").replace(/\/+$/, "");
  const found = key === "" ? tree(call, attributes) : at(tree(call, attributes), key.split("/"));
  if (found === undefined) return new RawReply({ status: 404, headers: FLAVOR, content: `no metadata at '${key}'\n` });
  const wantsJson = call.query.recursive === "true" || call.query.alt === "json" || key.endsWith("/token");
  if (wantsJson) return new RawReply(json(found));
  return new RawReply(
    text(isObject(found) ? directory(found) : Array.isArray(found) ? `${found.map(asText).join("\n")}\n` : asText(found)),
  );
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function directory(node: JsonObject): string {
  return Object.entries(node)
    .map(([name, value]) => (isObject(value) ? `${name}/\n` : `${name}\n`))
    .join("");
}

function at(node: Json, path: readonly string[]): Json {
  return path.reduce<Json>((inner, name) => (isObject(inner) ? inner[name] : undefined), node);
}

function tree(call: Call, attributes: InstanceAttributes): JsonObject {
  const { env } = call;
  const email = `sandbox@${env.project}.iam.gserviceaccount.com`;
  const [zone = "us-central1-a"] = [...env.places.values()].flat();
  const account = {
    aliases: ["default"],
    email,
    scopes: SCOPES,
    token: { access_token: `sandbox-token-${env.now()}`, expires_in: TOKEN_SECONDS, token_type: "Bearer" },
    identity: unsignedToken(call, email),
  };
  return {
    instance: {
      attributes: { ...attributes },
      id: "4815162342",
      name: "sandbox",
      hostname: `sandbox.c.${env.project}.internal`,
      zone: `projects/${env.projectNumber}/zones/${zone}`,
      "service-accounts": { default: account, [email]: account },
    },
    project: { "project-id": env.project, "numeric-project-id": env.projectNumber, attributes: {} },
    universe: { "universe-domain": "googleapis.com" },
  };
}

/** An identity token in JWT form, signed by nobody. */
function unsignedToken(call: Call, email: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const seconds = Math.floor(call.env.now() / 1000);
  const claims = {
    aud: call.query.audience ?? "",
    email,
    exp: seconds + TOKEN_SECONDS,
    iat: seconds,
    iss: "https://accounts.google.com",
  };
  return `${part({ alg: "none", typ: "JWT" })}.${part(claims)}.`;
}
