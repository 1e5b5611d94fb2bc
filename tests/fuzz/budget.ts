// SPDX-License-Identifier: Apache-2.0
// How many cases run: a few thousand by default, 100,000 and more with CI_FUZZ=1, or FUZZ_RUNS of them. FUZZ_SEED replays a run.
import * as fc from "fast-check";

const FULL = 104_000;
const QUICK = 4_000;

const whole = (name: string, fallback: number): number => {
  const text = process.env[name];
  if (text === undefined || text === "") return fallback;
  const n = Number(text);
  if (!Number.isInteger(n) || n < 0) throw new Error(`${name} is ${JSON.stringify(text)}; a whole number is needed`);
  return n;
};
export const TOTAL = whole("FUZZ_RUNS", process.env.CI_FUZZ === "1" ? FULL : QUICK);
const SEED = whole("FUZZ_SEED", Date.now() % 2 ** 31);

let cases = 0;
/** Cases that ran so far in this process. */
export const casesSoFar = (): number => cases;

/** What the shares of all properties add up to, a little less. */
const SHARES = 1.7;

/**
 * Parameters of one property.
 * @param share of all cases, in parts of `SHARES`
 */
const parameters = (share: number): { numRuns: number; seed: number; endOnFailure: boolean } => ({
  numRuns: Math.max(20, Math.ceil((TOTAL * share) / SHARES)),
  seed: SEED,
  endOnFailure: false,
});

/** Runs a property over its share of the cases; what fast-check prints on a failure holds seed and counterexample. */
export function check<T>(share: number, arbitrary: fc.Arbitrary<T>, holds: (value: T) => void): void {
  fc.assert(
    fc.property(arbitrary, (value) => {
      cases++;
      holds(value);
    }),
    parameters(share),
  );
}
export async function checkAsync<T>(
  share: number,
  arbitrary: fc.Arbitrary<T>,
  holds: (value: T) => Promise<void>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(arbitrary, async (value) => {
      cases++;
      await holds(value);
    }),
    parameters(share),
  );
}

after(() => console.log(`      fuzz: ${cases} cases, seed ${SEED}`));
