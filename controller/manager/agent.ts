// SPDX-License-Identifier: Apache-2.0
// Stand-in until the API server's side is wired.
import type { ClientConfig, Clock, Logger } from "../kubernetes";
import type { AddressStatus, Intent, NetworkIntent } from "../node";

export interface AgentSourceOptions {
  kubernetes: ClientConfig;
  node: string;
  /** Networks as configured; they win over what the node's annotations say. */
  networks: readonly NetworkIntent[];
  clock: Clock;
  logger: Logger;
  want(intent: Intent): void;
}
export function startAgentSource(_o: AgentSourceOptions): {
  report(statuses: readonly AddressStatus[]): void;
  stop(): Promise<void>;
} {
  throw new Error("not wired yet");
}
