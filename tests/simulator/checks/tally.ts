// SPDX-License-Identifier: Apache-2.0
// What was found wrong, and how often each thing was really put to the test.

export const INVARIANTS = {
  "1-holder":
    "a rule is only ever pointed at the holder, or the next holder, of the present generation, after its node was prepared",
  "1-journal": "generations only go up, and a holder changes only from the next one, after the rule really pointed there",
  "1-choice": "an address is given only to a Pod that its controller saw Ready, not terminating and with the right labels",
  "2-foreign": "no reserved address is deleted, no foreign rule is touched",
  "2-kept": "the rule of an address is not deleted while its route is there and wants it, whether a Pod can hold it or not",
  "2-heir": "an address that another route is known to want is not given back, so that it has no gap",
  "3-condition": "no condition is True before the fact was observed, at the present generation",
  "5-quiet": "when nothing goes wrong any more everything becomes right, and then nothing is written",
  "5-leak": "nothing is left in the cloud that nobody wants",
  "6-bad-object": "a bad object stops nobody else",
  "7-leader": "nothing is written without the lease",
  "7-stale": "nothing is written on a view older than the bound",
  "7-finalizer": "a finalizer goes after the cloud objects of its route",
  "8-second": "nothing is decided about a route while another controller is known to decide about it too",
  "8-stable": "a holder that could stay is left only as sticky, dwell and budget allow",
  "0-error": "no reconcile ends with a programming error",
} as const;
export type Invariant = keyof typeof INVARIANTS;

export interface Violation {
  invariant: Invariant;
  message: string;
  /** Virtual milliseconds. */
  at: number;
}

export class Tally {
  readonly counts = new Map<string, number>();
  readonly exercised = new Map<Invariant, number>();
  readonly violations: Violation[] = [];

  count(what: string, n = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + n);
  }
  /** One real test of an invariant: `good` or a violation. The message is only made when it is needed. */
  test(invariant: Invariant, at: number, good: boolean, message: () => string): void {
    this.exercised.set(invariant, (this.exercised.get(invariant) ?? 0) + 1);
    if (!good) this.violations.push({ invariant, at, message: message() });
  }
}
