// SPDX-License-Identifier: Apache-2.0
// Where the bearer token comes from. Projected service-account tokens live about an hour and are replaced on disk, so a file
// is read again every minute (client-go's period) and at once after a 401.
import { readFile } from "node:fs/promises";
import type { Clock } from "./clock";

/** Gives a bearer token. `refresh` asks for one that is not out of a cache, since the last one was refused. */
export type TokenProvider = (options: { refresh: boolean }) => Promise<string>;

export interface TokenSource {
  /** The current token, or undefined where the client authenticates otherwise. */
  current(): Promise<string | undefined>;
  /** Asks again after `refused` was answered with 401; undefined when there is nothing newer. */
  after401(refused: string | undefined): Promise<string | undefined>;
}

const REREAD_MS = 60_000;

/** A source of a fixed token, a token file or a provider (an exec plugin), the last one given wins. */
export function tokenSource(
  config: { token?: string; tokenFile?: string; tokenProvider?: TokenProvider },
  clock: Clock,
): TokenSource {
  const provider = config.tokenProvider ?? (config.tokenFile === undefined ? undefined : fileProvider(config.tokenFile, clock));
  if (provider === undefined) {
    return { current: () => Promise.resolve(config.token), after401: () => Promise.resolve(undefined) };
  }
  return {
    current: () => provider({ refresh: false }),
    async after401(refused) {
      const fresh = await provider({ refresh: true });
      return fresh === refused ? undefined : fresh;
    },
  };
}

function fileProvider(path: string, clock: Clock): TokenProvider {
  let cached: { token: string; readAt: number } | undefined;
  return async ({ refresh }) => {
    const now = clock.monotonic();
    if (!refresh && cached !== undefined && now - cached.readAt < REREAD_MS) return cached.token;
    try {
      cached = { token: (await readFile(path, "utf8")).trim(), readAt: now };
    } catch (error) {
      // The kubelet swaps the file by a symlink; keep the token that worked rather than fail in that instant.
      if (cached === undefined) throw error;
    }
    return cached.token;
  };
}
