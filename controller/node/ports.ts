// SPDX-License-Identifier: Apache-2.0
// What this room needs of its surroundings, so that tests own time, and so that it need not know the room that talks to the API server.

export interface Timer {
  cancel(): void;
}
export interface Clock {
  /** Wall clock, milliseconds. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonic(): number;
  setTimeout(fn: () => void, ms: number): Timer;
}
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
