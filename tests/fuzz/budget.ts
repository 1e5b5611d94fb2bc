// SPDX-License-Identifier: Apache-2.0
// How many cases run: a few thousand by default, 100,000 and more with CI_FUZZ=1, or FUZZ_RUNS of them. FUZZ_SEED replays a run.
import * as fs from "node:fs";
import * as path from "node:path";
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

/** What CI must have run (issue 4, must-show 7). */
const PROMISED = 100_000;
/** True where every file of this folder was loaded, and no title was picked out. */
function wholeFolder(): boolean {
  const files = fs.readdirSync(__dirname).filter((f) => f.endsWith(".test.ts"));
  const picked = process.argv.some((a) => /^(-g|-f|--grep|--fgrep)/.test(a));
  return !picked && files.every((f) => require.cache[path.join(__dirname, f)] !== undefined);
}

after(() => {
  console.log(`      fuzz: ${cases} cases, seed ${SEED}`);
  if (TOTAL < FULL || !wholeFolder() || cases >= PROMISED) return;
  throw new Error(`fuzz: ${cases} cases ran, ${PROMISED} were promised; SHARES in tests/fuzz/budget.ts does not fit any more`);
});
