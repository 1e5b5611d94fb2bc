// SPDX-License-Identifier: Apache-2.0
// A reflector on a server that follows a script, with short waits and everything it said written down.
import { systemClock } from "./clock";
import type { Logger } from "./logger";
import { Reflector, type ReflectorOptions } from "./reflector";
import type { ResourceKind } from "./resources";
import { added, bookmark, type Exchange, FaultServer, type Step, type TestThing } from "./testing-server";
import { createApiClient } from "./transport";

export const THINGS: ResourceKind = { group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true };
const QUICK = {
  silenceMs: 5_000,
  initialSilenceMs: 5_000,
  backoffBaseMs: 5,
  backoffCapMs: 40,
  healthyMs: 5,
  missingKindCapMs: 10,
};

export interface Rig {
  reflector: Reflector<TestThing>;
  server: FaultServer;
  events: string[];
  logs: string[];
}

/** Starts reflectors and ends all of them with their servers. */
export class ReflectorRig {
  private readonly cleanups: (() => Promise<unknown>)[] = [];

  async start(options: Partial<ReflectorOptions<TestThing>>, ...steps: Step[]): Promise<Rig> {
    const server = await FaultServer.start(...steps);
    const client = createApiClient({ server: server.url, token: "t" });
    const events: string[] = [];
    const logs: string[] = [];
    const log = (fields: object, message: string): void => void logs.push(`${message} ${JSON.stringify(fields)}`);
    const logger: Logger = { debug: log, info: log, warn: log, error: log };
    const reflector = new Reflector<TestThing>({
      ...{ client, kind: THINGS, clock: systemClock, random: () => 0, logger },
      onEvent: (e) =>
        void events.push(
          `${e.type} ${e.object.metadata.name}@${e.object.metadata.resourceVersion}${e.initial ? " initial" : ""}`,
        ),
      ...options,
      tuning: { ...QUICK, ...options.tuning },
    });
    this.cleanups.push(
      () => server.close(),
      () => client.close(),
      () => reflector.stop(),
    );
    reflector.start();
    return { reflector, server, events, logs };
  }

  async stop(): Promise<void> {
    for (const cleanup of this.cleanups.splice(0).reverse()) await cleanup();
  }
}

/** A watch that stays open and says nothing. */
export const stay = (x: Exchange): void => void x.watch();

/** Initial events and their end; the watch stays open. */
export const synced =
  (version: number, ...objects: object[]): Step =>
  (x) =>
    void x.watch(...objects.map(added), bookmark(version, true));

export async function until(condition: () => boolean, ms = 5_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms for: ${condition.toString()}`);
    await systemClock.sleep(2);
  }
}
