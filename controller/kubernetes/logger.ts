// SPDX-License-Identifier: Apache-2.0
// The part of pino that this room uses: fields first, then a constant message.

type Log = (fields: object, message: string) => void;

export interface Logger {
  debug: Log;
  info: Log;
  warn: Log;
  error: Log;
}

export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

function nothing(): void {
  // Logs are optional everywhere in this room.
}
