// SPDX-License-Identifier: Apache-2.0
// What a command needs from the outside, so that tests can give it: terminal, clock, ids, the way to the cluster.
import type { ClusterFlags, Connection } from "./connect";
import type { Format, Terminal } from "./print";
import type { CloudFlags } from "./settings";

export type CommonFlags = ClusterFlags & { [K in keyof CloudFlags]?: CloudFlags[K] | undefined } & { output: Format };
export interface Session {
  terminal: Terminal;
  /** Milliseconds since 1970. */
  now(): number;
  uuid(): string;
  /** Answers true where the command was interrupted meanwhile. @param ms milliseconds */
  sleep(ms: number): Promise<boolean>;
  /** One connection a process; the same answer for the same flags. @throws UsageError, ConfigError */
  connect(flags: ClusterFlags): Connection;
}
