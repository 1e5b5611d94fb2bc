// SPDX-License-Identifier: Apache-2.0
// What can go wrong on a node. `retry` says whether the same thing may work a moment later.

export type NodeErrorCode = "IpExited" | "IpTimeout" | "DumpInterrupted" | "CommandFailed" | "BadIntent" | "ToolMissing";

export class NodeError extends Error {
  readonly retry: boolean;
  constructor(
    readonly code: NodeErrorCode,
    message: string,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "NodeError";
    this.retry = code === "IpExited" || code === "IpTimeout" || code === "DumpInterrupted";
  }
}
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
