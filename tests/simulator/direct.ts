// SPDX-License-Identifier: Apache-2.0
// The models without any road in between: what is asked is answered at once. For the behaviour suites.
import type { compute_v1 } from "@googleapis/compute/build/v1";
import type { ApiClient, ByteStream } from "../../controller/kubernetes";
import type { ApiModel } from "./models/api";
import { CloudRefusal, type CloudModel, type Json } from "./models/cloud";

export function directClient(model: ApiModel): ApiClient {
  return {
    server: "memory",
    onRequest: () => undefined,
    close: () => Promise.resolve(),
    request: async <T>(...[method, path, o = {}]: Parameters<ApiClient["request"]>): Promise<T> => {
      await Promise.resolve();
      return model.handle("test", { method, path, body: o.body, contentType: o.contentType, query: o.query }) as T;
    },
    stream: async (path, o = {}) => {
      await Promise.resolve();
      return streamOf((sink) => model.watch(path, o.query ?? {}, sink));
    },
  };
}
function streamOf(subscribe: (sink: (line: Buffer) => void) => () => void): ByteStream {
  const lines: Buffer[] = [];
  let wake: () => void = () => undefined;
  let closed = false;
  const stop = subscribe((line) => {
    lines.push(line);
    wake();
  });
  return {
    close() {
      closed = true;
      stop();
      wake();
    },
    async *[Symbol.asyncIterator]() {
      while (!closed) {
        for (let next = lines.shift(); next; next = lines.shift()) yield next;
        if (!closed) await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

/** Google's generated client over a cloud in memory. */
export function directCompute(model: CloudModel): compute_v1.Compute {
  const ask = async (method: string, params: Json): Promise<{ status: number; data: Json }> => {
    try {
      if (!method.endsWith(".wait")) return { status: 200, data: model.handle("test", method, params) };
      return {
        status: 200,
        data: await new Promise<Json>((resolve, reject) => waiting(() => model.wait(params, 5_000, resolve), reject)),
      };
    } catch (error) {
      if (!(error instanceof CloudRefusal)) throw error;
      return { status: error.status, data: error.body() };
    }
  };
  const family = (name: string): object =>
    new Proxy({}, { get: (_t, verb: string) => (params: Json) => ask(`${name}.${verb}`, params) });
  return new Proxy({}, { get: (_t, name: string) => family(name) }) as unknown as compute_v1.Compute;
}
function waiting(begin: () => void, reject: (error: Error) => void): void {
  try {
    begin();
  } catch (error) {
    reject(error as Error);
  }
}
