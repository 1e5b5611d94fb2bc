// SPDX-License-Identifier: Apache-2.0
// HTTP to the emulator, with errors in the words of Google's Go client ("googleapi: Error 409: ..., alreadyExists").
import { ProviderError } from "../provider";
import { at, isRecord, textAt, type Json, type Props } from "../value";

export type HttpMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** An answer that is not 2xx, or an operation that ended in an error. */
export class CloudError extends Error {
  readonly code = "Cloud";
  readonly retry = false;
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
  ) {
    super(message);
    this.name = "CloudError";
  }
}

export const isGone = (error: unknown): boolean => error instanceof CloudError && error.status === 404;

const LONGEST_OPERATION_MS = 40 * 60_000; // resource_container_cluster's create timeout
const POLL_MS = 250;

export class Cloud {
  constructor(
    /** Root of the emulator, ending in a slash. */
    readonly url: string,
    private readonly fetcher: typeof fetch = fetch,
  ) {}

  /** @param path below the root, without a leading slash @throws CloudError; ProviderError Unreachable */
  async request(method: HttpMethod, path: string, body?: Props): Promise<Props> {
    const response = await this.send(method, path, body);
    const answer = parsed(await response.text());
    if (!response.ok) throw errorOf(response.status, answer);
    return isRecord(answer) ? answer : {};
  }

  async find(path: string): Promise<Props | undefined> {
    try {
      return await this.request("GET", path);
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  /** Sends a Compute mutation below `compute/v1/projects/P/` and waits for its operation. */
  async compute(method: HttpMethod, project: string, path: string, body?: Props): Promise<void> {
    const root = `compute/v1/projects/${project}/`;
    let operation = await this.request(method, root + path, body);
    const place = operationPlace(operation);
    await this.until(async () => {
      if (operation.status === "DONE") return true;
      operation = await this.request("POST", `${root}${place}/operations/${textAt(operation, "name") ?? ""}/wait`);
      return operation.status === "DONE";
    }, path);
    const failed = at(operation, "error.errors[0]");
    if (failed === undefined) return;
    const status = operation.httpErrorStatusCode;
    throw new CloudError(
      typeof status === "number" ? status : 400,
      textAt(failed, "code") ?? "",
      textAt(failed, "message") ?? "operation failed",
    );
  }

  /** Sends a Container mutation below `v1/projects/P/locations/L/` and waits for its operation. */
  async container(method: HttpMethod, location: string, path: string, body?: Props): Promise<void> {
    let operation = await this.uncontended(() => this.request(method, `v1/${location}/${path}`, body));
    const name = textAt(operation, "name");
    if (name === undefined) return;
    await this.until(async () => {
      if (operation.status === "DONE") return true;
      operation = await this.request("GET", `v1/${location}/operations/${name}`);
      return operation.status === "DONE";
    }, path);
    const message = textAt(operation, "error.message") ?? textAt(operation, "statusMessage");
    if (message !== undefined && at(operation, "error") !== undefined) throw new CloudError(400, "operationError", message);
  }

  // GKE does one thing at a time per cluster; Terraform waits its turn, so this does too.
  private async uncontended<T>(f: () => Promise<T>): Promise<T> {
    for (const deadline = performance.now() + LONGEST_OPERATION_MS; ;) {
      try {
        return await f();
      } catch (error) {
        const busy = error instanceof CloudError && /incompatible operation/.test(error.message);
        if (!busy || performance.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }
  }

  private async until(done: () => Promise<boolean>, what: string): Promise<void> {
    const deadline = performance.now() + LONGEST_OPERATION_MS;
    while (!(await done())) {
      if (performance.now() > deadline) throw new ProviderError("Timeout", `the operation on ${what} did not end in 40 minutes`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  private async send(method: HttpMethod, path: string, body: Props | undefined): Promise<Response> {
    const headers: Record<string, string> = { accept: "application/json", authorization: "Bearer sandbox" };
    if (body !== undefined) headers["content-type"] = "application/json";
    try {
      return await this.fetcher(this.url + path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch (cause) {
      throw new ProviderError("Unreachable", `the cloud emulator does not answer (${method} ${path})`, { cause });
    }
  }
}

function operationPlace(operation: Props): string {
  const last = (key: string): string | undefined => textAt(operation, key)?.split("/").at(-1);
  const zone = last("zone");
  const region = last("region");
  if (zone !== undefined) return `zones/${zone}`;
  return region === undefined ? "global" : `regions/${region}`;
}

function parsed(text: string): Json {
  try {
    return text === "" ? {} : (JSON.parse(text) as Json);
  } catch {
    return text;
  }
}

function errorOf(status: number, answer: Json): CloudError {
  const reason = textAt(answer, "error.errors[0].reason") ?? textAt(answer, "error.status") ?? "";
  const message = textAt(answer, "error.message") ?? (typeof answer === "string" ? answer.slice(0, 300) : "no message");
  return new CloudError(status, reason, `googleapi: Error ${status}: ${message}${reason === "" ? "" : `, ${reason}`}`);
}
