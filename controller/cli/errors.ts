// SPDX-License-Identifier: Apache-2.0
// What a command cannot do, and the exit codes: 0 good, 1 the answer is bad (a finding, a failed check), 2 there is no answer.

export const EXIT = { good: 0, bad: 1, failed: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A wrong argument or file; the message names it, its value and what is allowed. Ends the command with code 2. */
export class UsageError extends Error {
  readonly code = "Usage";
  readonly retry = false;

  constructor(
    readonly field: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${field}: ${problem}`, options);
    this.name = "UsageError";
  }
}
/** What was asked for is not there. Ends the command with code 2. */
export class NotThereError extends Error {
  readonly code = "NotThere";
  readonly retry = false;
}
