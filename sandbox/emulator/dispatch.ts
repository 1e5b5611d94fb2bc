// SPDX-License-Identifier: Apache-2.0
// One request from start to end: find the method, meet the faults, run the handler, shape the answer, write the log.
import type { Call, Env, Reply } from "./env";
import { checkPlace, inProject, RawReply } from "./env";
import { ApiError } from "./errors";
import type { RequestFault } from "./faults";
import { applyFields } from "./fields";
import type { Match, Router } from "./router";
import type { Exchange, Json, JsonObject } from "./types";

export interface Incoming {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string | undefined>;
  body: Buffer | string;
  via?: "batch";
}

/** `cut`: the connection is to be closed without an answer. */
export type Outcome = { cut: true } | ({ cut: false } & Reply);

export interface Dispatcher {
  env: Env;
  router: Router;
  record(exchange: Exchange): void;
}

export async function dispatch(at: Dispatcher, incoming: Incoming): Promise<Outcome> {
  const match = at.router.match(incoming.method, incoming.path.replace(/^\//, ""));
  const exchange: Exchange = {
    at: at.env.now(),
    method: incoming.method,
    path: incoming.path,
    query: incoming.query,
    methodId: match?.row.id ?? "",
    status: 0,
    userAgent: incoming.headers["user-agent"] ?? "",
    ...(incoming.via ? { via: incoming.via } : {}),
  };
  const outcome = await answer(at.env, match, incoming, exchange);
  if (!outcome.cut) {
    exchange.status = outcome.status;
    exchange.response = outcome.content;
  }
  at.record(exchange);
  return outcome;
}

async function answer(env: Env, match: Match | undefined, incoming: Incoming, exchange: Exchange): Promise<Outcome> {
  const fault = env.faults.forRequest(exchange.methodId, incoming.path);
  if (fault.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
  if (fault.kind === "resetBefore") return { cut: true };
  try {
    if (fault.error) throw fault.error;
    const reply = await handled(env, match, incoming, exchange);
    return fault.kind === "resetAfter" ? { cut: true } : { cut: false, ...reply };
  } catch (error) {
    return { cut: false, ...refusal(error, match, fault) };
  }
}

async function handled(env: Env, match: Match | undefined, incoming: Incoming, exchange: Exchange): Promise<Reply> {
  if (!match) throw new ApiError("notFound", `No method ${incoming.method} ${incoming.path} in this emulator`);
  const body = parsed(incoming.body);
  if (body !== undefined) exchange.request = body;
  const call: Call = {
    env: inProject(env, match.params.project),
    methodId: match.row.id,
    path: incoming.path,
    params: match.params,
    query: incoming.query,
    headers: incoming.headers,
    body: isObject(body) ? body : {},
    hosts: incoming.headers.host === undefined ? [] : [incoming.headers.host],
  };
  checkPlace(call);
  const result = await match.row.handler(call);
  if (result instanceof RawReply) return result.reply;
  return { status: 200, content: applyFields(result, incoming.query.fields) as Json };
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsed(body: Buffer | string): Json {
  const text = body.toString();
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new ApiError("parseError", "Invalid JSON payload received.", { cause });
  }
}

function refusal(error: unknown, match: Match | undefined, fault: RequestFault): Reply {
  const known = error instanceof ApiError ? error : new ApiError("internalError", String(error), { status: 500, cause: error });
  const headers = fault.retryAfterSeconds === undefined ? undefined : { "retry-after": String(fault.retryAfterSeconds) };
  return { status: known.status, content: known.body(match?.service.rpc ?? false), ...(headers ? { headers } : {}) };
}
