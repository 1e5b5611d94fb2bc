// SPDX-License-Identifier: Apache-2.0
// Compute's batch endpoint: a multipart body of whole HTTP requests, answered part by part. Line ends may be bare LF.
import type { Incoming, Outcome } from "./dispatch";
import { ApiError } from "./errors";
import { content } from "./wire";

export const BATCH_PATH = "/batch/compute/v1";

export interface Part {
  contentId: string;
  request: Incoming;
}

/** @throws ApiError `parseError` when a part is no HTTP request */
export function parseBatch(contentType: string, body: string): Part[] {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1];
  if (boundary === undefined) throw new ApiError("parseError", "The batch request has no boundary.");
  const chunks = body.replace(/\r\n/g, "\n").split(`--${boundary}`).slice(1, -1);
  return chunks.map((chunk) => parsePart(chunk.replace(/^\n/, "")));
}

function parsePart(text: string): Part {
  const [outer, inner] = cut(text);
  const [head, body] = cut(inner);
  const [requestLine = "", ...headerLines] = head.split("\n");
  const match = /^(\S+) (\S+)(?: HTTP\/[\d.]+)?$/.exec(requestLine.trim());
  if (!match) throw new ApiError("parseError", `A batch part begins with '${requestLine}', not with a request line.`);
  const url = new URL(match[2] ?? "", "http://batch");
  return {
    contentId: headers(outer.split("\n"))["content-id"] ?? "",
    request: {
      method: match[1] ?? "",
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: headers(headerLines),
      body,
      via: "batch",
    },
  };
}

function cut(text: string): [string, string] {
  const at = text.indexOf("\n\n");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 2)];
}

function headers(lines: readonly string[]): Record<string, string> {
  const pairs = lines.map((line) => /^([^:]+):\s*(.*)$/.exec(line)).filter((match) => match !== null);
  return Object.fromEntries(pairs.map((match) => [(match[1] ?? "").toLowerCase(), match[2] ?? ""]));
}

/** The multipart answer; undefined when a part's connection is to be cut, which cuts them all. */
export function renderBatch(parts: readonly Part[], outcomes: readonly Outcome[], boundary: string): string | undefined {
  let text = "";
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.cut) return undefined;
    const body = content(outcome);
    const id = (parts[index]?.contentId ?? "").replace(/^<(.*)>$/, "<response-$1>");
    const lines = [
      `--${boundary}`,
      "Content-Type: application/http",
      `Content-ID: ${id}`,
      "",
      `HTTP/1.1 ${outcome.status} ${reasonPhrase(outcome.status)}`,
    ];
    const inner = ["Content-Type: application/json; charset=UTF-8", `Content-Length: ${Buffer.byteLength(body)}`];
    const extra = Object.entries(outcome.headers ?? {}).map(([name, value]) => `${name}: ${value}`);
    text += [...lines, ...inner, ...extra, "", body, ""].join("\r\n");
  }
  return `${text}--${boundary}--\r\n`;
}

function reasonPhrase(status: number): string {
  return status < 300 ? "OK" : "Error";
}
