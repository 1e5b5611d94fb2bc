// SPDX-License-Identifier: Apache-2.0
// Checks recorded exchanges against Google's own schemas: path, query, request body and answer. Any suite that runs
// against the emulator can use it.
import fs from "node:fs";
import path from "node:path";
import type { ValidateFunction } from "ajv";
import Ajv from "ajv";
import type { Exchange } from "../../sandbox/emulator";

const DATA = path.resolve(__dirname, "../../../shared/data");

interface Property {
  type?: string;
  enum?: string[];
  pattern?: string;
  location?: "path" | "query";
  required?: boolean;
  annotations?: { required?: string[] };
  properties?: Record<string, Property>;
  items?: Property;
  additionalProperties?: Property;
  $ref?: string;
  format?: string;
}

export interface Method {
  id: string;
  httpMethod: string;
  path: string;
  flatPath: string;
  parameters: Record<string, Property>;
  request?: { $ref: string };
  response?: { $ref: string };
}

export interface Discovery {
  servicePath: string;
  parameters: Record<string, Property>;
  resources: Record<string, Record<string, Method>>;
  schemas: Record<string, Property>;
  older?: { parameters: Record<string, Record<string, Property>> };
}

export function readDiscovery(name: "compute" | "container"): Discovery {
  return JSON.parse(fs.readFileSync(path.join(DATA, `${name}-v1.schema.json`), "utf8")) as Discovery;
}

/** One line that says why schema tests are skipped, or undefined when the schemas are there. */
export function schemasMissing(): string | undefined {
  const lacking = ["compute-v1.schema.json", "container-v1.schema.json", "gcloud-requests.json"].filter(
    (file) => !fs.existsSync(path.join(DATA, file)),
  );
  return lacking.length > 0 ? `skipped: ${lacking.join(", ")} not found in ../shared/data` : undefined;
}

/** Methods without a schema at hand: ours, the metadata server, and what Google's files here leave out. */
const UNCHECKED = /^(batch|metadata\.|sandbox\.|serviceusage\.|compute\.globalAddresses\.list$)/;

class Api {
  readonly methods: ReadonlyMap<string, Method>;
  private readonly ajv = new Ajv({ strict: false, allErrors: true });
  private readonly compiled = new Map<string, ValidateFunction>();

  constructor(
    private readonly name: string,
    readonly document: Discovery,
  ) {
    const all = Object.values(document.resources).flatMap((methods) => Object.values(methods));
    this.methods = new Map(all.map((method) => [method.id, method]));
    for (const format of ["uint64", "int64"]) this.ajv.addFormat(format, /^-?\d{1,20}$/);
    this.ajv.addFormat("byte", /^[A-Za-z0-9+/_-]*={0,2}$/);
    for (const format of ["int32", "uint32", "double", "float"])
      this.ajv.addFormat(format, { type: "number", validate: Number.isFinite });
    for (const format of ["google-datetime", "google-duration", "date-time", "google.protobuf.Any"])
      this.ajv.addFormat(format, true);
    const definitions = Object.fromEntries(Object.entries(document.schemas).map(([key, schema]) => [key, convert(schema)]));
    this.ajv.addSchema({ $id: name, definitions });
  }

  check(schema: string, value: unknown, where: string): string[] {
    let validate = this.compiled.get(schema);
    if (!validate) {
      validate = this.ajv.compile({ $ref: `${this.name}#/definitions/${schema}` });
      this.compiled.set(schema, validate);
    }
    if (validate(value)) return [];
    return (validate.errors ?? []).map((e) => `${where}${e.instancePath}: ${e.message ?? "wrong"} ${JSON.stringify(e.params)}`);
  }
}

/** Discovery's dialect to JSON Schema: named types, whole patterns, and no field that is not named. */
function convert(schema: Property): object {
  if (schema.$ref !== undefined) return { $ref: `#/definitions/${schema.$ref}` };
  const { type, properties, items, additionalProperties } = schema;
  const inner = properties && Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, convert(value)]));
  const further = additionalProperties ? convert(additionalProperties) : inner === undefined;
  const all = {
    type: type === "any" ? undefined : type,
    enum: schema.enum,
    pattern: schema.pattern && `^(?:${schema.pattern})$`,
    format: schema.format,
    properties: inner,
    items: items && convert(items),
    additionalProperties: type === "object" ? further : undefined,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

const apis = new Map<string, Api>();

function apiOf(methodId: string): Api {
  const name = methodId.startsWith("container.") ? "container" : "compute";
  const api = apis.get(name) ?? new Api(name, readDiscovery(name));
  apis.set(name, api);
  return api;
}

/**
 * Everything in one exchange that Google's schema does not allow; empty when it is right.
 * @throws when the schema files are missing (see {@link schemasMissing})
 */
export function validateExchange(exchange: Exchange): string[] {
  const { methodId } = exchange;
  const label = `${methodId || "unknown method"} (${exchange.method} ${exchange.path})`;
  if (methodId === "batch") return (exchange.parts ?? []).flatMap(validateExchange);
  if (UNCHECKED.test(methodId)) return [];
  const api = apiOf(methodId);
  const method = api.methods.get(methodId);
  if (!method) return [`${label}: no such method in the schema`];
  const problems = [
    ...checkPath(api, method, exchange),
    ...checkQuery(api, method, exchange),
    ...checkRequest(api, method, exchange),
    ...checkResponse(api, method, exchange),
  ];
  return problems.map((problem) => `${label}: ${problem}`);
}

/** {@link validateExchange} over a whole log. */
export function validateAll(log: readonly Exchange[]): string[] {
  return log.flatMap(validateExchange);
}

function checkPath(api: Api, method: Method, exchange: Exchange): string[] {
  const names: string[] = [];
  const template = `/${api.document.servicePath}${method.flatPath}`
    .replace(/[.]/g, "\\.")
    .replace(/\{(\w+)\}/g, (_all, name: string) => {
      names.push(name);
      return "([^/]+?)";
    });
  const match = new RegExp(`^${template}$`).exec(exchange.path);
  if (exchange.method !== method.httpMethod || !match) return [`path: should be ${method.httpMethod} ${method.flatPath}`];
  return names.flatMap((name, index) => {
    const pattern = method.parameters[name]?.pattern;
    const value = decodeURIComponent(match[index + 1] ?? "");
    return pattern && !new RegExp(`^(?:${pattern})$`).test(value)
      ? [`path parameter ${name}: '${value}' does not match ${pattern}`]
      : [];
  });
}

function checkQuery(api: Api, method: Method, exchange: Exchange): string[] {
  const known = { ...api.document.parameters, ...api.document.older?.parameters[method.id], ...method.parameters };
  const missing = Object.entries(method.parameters).filter(
    ([n, p]) => p.location === "query" && p.required && exchange.query[n] === undefined,
  );
  return [
    ...missing.map(([name]) => `query: ${name} is required`),
    ...Object.entries(exchange.query).flatMap(([name, value]) => {
      const parameter = known[name];
      if (!parameter || parameter.location === "path") return [`query: ${name} is not known`];
      return fits(parameter, value) ? [] : [`query: ${name}='${value}' is not ${parameter.type ?? "right"}`];
    }),
  ];
}

function fits(parameter: Property, value: string): boolean {
  if (parameter.enum && !parameter.enum.includes(value)) return false;
  if (parameter.type === "boolean") return /^(true|false)$/i.test(value);
  return parameter.type !== "integer" || /^\d+$/.test(value);
}

function checkRequest(api: Api, method: Method, exchange: Exchange): string[] {
  const { request } = exchange;
  // A POST without a schema may carry an empty object; clients differ.
  if (!method.request) return request === undefined || JSON.stringify(request) === "{}" ? [] : ["request: should have no body"];
  // A refused request may be wrong; that is what the refusal was for.
  if (exchange.status >= 400 || exchange.status === 0) return [];
  const schema = api.document.schemas[method.request.$ref];
  const needed = Object.entries(schema?.properties ?? {}).filter(([, p]) => p.annotations?.required?.includes(method.id));
  const body = (request ?? {}) as Record<string, unknown>;
  return [
    ...needed.filter(([name]) => body[name] === undefined).map(([name]) => `request: ${name} is required`),
    ...api.check(method.request.$ref, body, "request"),
  ];
}

function checkResponse(api: Api, method: Method, exchange: Exchange): string[] {
  const { status, response } = exchange;
  if (status === 0) return [];
  if (status >= 400) return errorShape(status, response);
  // What goes over the wire has no undefined fields.
  if (method.response) return api.check(method.response.$ref, JSON.parse(JSON.stringify(response ?? null)), "response");
  return status === 204 ? [] : [`response: status ${status} where the method has no answer`];
}

function errorShape(status: number, response: unknown): string[] {
  const error = (
    response as {
      error?: { code?: unknown; message?: unknown; errors?: { reason?: unknown; message?: unknown; domain?: unknown }[] };
    }
  )?.error;
  const first = error?.errors?.[0];
  const right =
    error?.code === status && typeof error.message === "string" && typeof first?.reason === "string" && first.domain === "global";
  return right ? [] : [`response: not Google's error shape: ${JSON.stringify(response)}`];
}
