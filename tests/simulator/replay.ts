// SPDX-License-Identifier: Apache-2.0
// One seed again, exactly; and of a failing one the shortest plan that still fails in the same way.
import type { Violation } from "./checks/tally";
import { runSeed } from "./run";
import { planOf, shapeOf, type PlanEvent } from "./world/shape";

/** Runs of a world that cutting down may cost. */
const MOST_RUNS = 400;
const LINES = 120;

export interface Shrunk {
  plan: PlanEvent[];
  violation: Violation;
  runs: number;
}
/**
 * Drops events, halves first and then one by one, as long as the same invariant still breaks.
 * @returns undefined where the plan as given breaks nothing
 */
export async function shrink(seed: number, plan: readonly PlanEvent[]): Promise<Shrunk | undefined> {
  let runs = 0;
  const breaks = async (events: readonly PlanEvent[]): Promise<Violation | undefined> => (
    (runs += 1),
    (await runSeed(seed, { plan: events })).violations[0]
  );
  let violation = await breaks(plan);
  if (!violation) return undefined;
  const { invariant } = violation;
  let kept = [...plan];
  for (let size = kept.length >> 1; size >= 1; size = size === 1 ? 0 : size >> 1) {
    for (let at = 0; at < kept.length && runs < MOST_RUNS;) {
      const without = [...kept.slice(0, at), ...kept.slice(at + size)];
      const found = await breaks(without);
      if (found?.invariant === invariant) [kept, violation] = [without, found];
      else at += size;
    }
  }
  return { plan: kept, violation, runs };
}

/** @returns exit code */
export async function printSeed(seed: number, o: { trace: boolean; plan?: readonly number[] }): Promise<number> {
  const shape = shapeOf(seed);
  const whole = planOf(shape);
  const plan = o.plan ? whole.filter((e) => o.plan!.includes(e.id)) : whole;
  const outcome = await runSeed(seed, { plan, trace: o.trace });
  if (o.trace) console.log(outcome.lines.join("\n"));
  console.log(JSON.stringify(shape));
  console.log(
    `seed ${seed}: ${outcome.steps} steps, ${(outcome.ms / 1000).toFixed(1)} virtual seconds, right ${((outcome.convergedAfter ?? NaN) / 1000).toFixed(0)} s after the last fault`,
  );
  const [violation] = outcome.violations;
  if (!violation) return 0;
  console.log(`${violation.invariant} after ${(violation.at / 1000).toFixed(1)} s: ${violation.message}`);
  if (o.plan) return 1;
  const short = await shrink(seed, plan);
  if (!short) return 1;
  console.log(
    `\n${short.plan.length} of ${plan.length} events are enough (${short.runs} runs): --seed ${seed} --plan ${short.plan.map((e) => e.id).join()}`,
  );
  const again = await runSeed(seed, { plan: short.plan, trace: true });
  console.log(
    again.lines
      .filter((l) => !/ debug /.test(l))
      .slice(-LINES)
      .join("\n"),
  );
  console.log(`${short.violation.invariant} after ${(short.violation.at / 1000).toFixed(1)} s: ${short.violation.message}`);
  return 1;
}
