// SPDX-License-Identifier: Apache-2.0
// A few lines over fetch for tests of the emulator: plain JSON calls, and mutations that wait for their operation.
import { asText } from "./text";
import type { Emulator } from "./index";
import type { JsonObject } from "./types";

export interface Answer {
  status: number;
  body: JsonObject;
  /** `error.errors[0].reason` of a refusal. */
  reason?: string;
  /** `error.message` of a refusal. */
  message?: string;
  headers: Headers;
}

export interface TestClient {
  /** `path` is relative to the project, e.g. `regions/us-central1/addresses`. */
  call: (method: string, path: string, body?: object) => Promise<Answer>;
  /** Calls, waits for the operation, and returns it; a refusal is an Error with `reason: message`. */
  mutate: (method: string, path: string, body?: object) => Promise<JsonObject>;
  /** The resource at a path. */
  get: (path: string) => Promise<JsonObject>;
  /** Any path of the server, from its root. */
  raw: (method: string, path: string, body?: object | string, headers?: Record<string, string>) => Promise<Answer>;
}

export function testClient(emulator: Emulator): TestClient {
  const base = `compute/v1/projects/${emulator.project}/`;
  const raw: TestClient["raw"] = async (method, path, body, headers = {}) => {
    const text = typeof body === "string" ? body : body && JSON.stringify(body);
    const response = await fetch(emulator.url + path, { method, headers, ...(text === undefined ? {} : { body: text }) });
    return answer(response);
  };
  const call: TestClient["call"] = (method, path, body) => raw(method, base + path, body);
  return {
    raw,
    call,
    get: async (path) => (await call("GET", path)).body,
    mutate: async (method, path, body) => {
      const begun = await call(method, path, body);
      if (begun.status !== 200) throw new Error(`${begun.reason}: ${begun.message}`);
      const url = asText(begun.body.selfLink).replace("https://www.googleapis.com/", "");
      return (await raw("POST", `${url}/wait`)).body;
    },
  };
}

async function answer(response: Response): Promise<Answer> {
  const text = await response.text();
  const json = response.headers.get("content-type")?.includes("json") ? (JSON.parse(text) as JsonObject) : { text };
  const error = json.error as { message?: string; errors?: { reason?: string }[] } | undefined;
  return {
    status: response.status,
    body: json,
    headers: response.headers,
    ...(error ? { reason: error.errors?.[0]?.reason, message: error.message } : {}),
  };
}
