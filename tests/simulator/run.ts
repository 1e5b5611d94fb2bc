// SPDX-License-Identifier: Apache-2.0
// One seed from its first step to its verdict: a world, a plan that happens to it, a judge that watches, and at the end a calm in which
// everything must become right and then still.
import { Judge } from "./checks/judge";
import { badObjects, problemsOf, type Problem } from "./checks/oracle";
import type { Tally, Violation } from "./checks/tally";
import { DEEDS } from "./world/deeds";
import { isForeign } from "./world/reading";
import { planOf, shapeOf, type Focus, type PlanEvent, type Shape } from "./world/shape";
import { SimWorld } from "./world/world";

/** So long a world may take to become right after the last fault, virtual milliseconds. */
const PATIENCE_MS = 600_000;
/** Stillness that counts: more than two passes over the cloud. */
const STILL_MS = 36_000;
const LOOK_MS = 4_000;

export interface Outcome {
  seed: number;
  violations: Violation[];
  tally: Tally;
  /** Virtual milliseconds, and steps of the scheduler. */
  ms: number;
  steps: number;
  /** Virtual milliseconds from the calm to the first right state. */
  convergedAfter?: number;
  lines: string[];
}
export interface RunOptions {
  /** Default: the seed's own. */
  plan?: readonly PlanEvent[];
  trace?: boolean;
  /** What the world concentrates on, whatever the seed says. */
  focus?: Focus;
}

/** Runs a seed. Ends at the first violation. */
export async function runSeed(seed: number, o: RunOptions = {}): Promise<Outcome> {
  const shape = shapeOf(seed, o.focus);
  const plan = o.plan ?? planOf(shape);
  const judge = new Judge(shape, o.trace === true);
  const world = begin(shape, judge, o.trace === true);
  const { scheduler } = world;
  for (const event of plan) scheduler.in(event.at, () => happens(world, judge, event));
  const failed = (): boolean => judge.tally.violations.length > 0;
  await scheduler.until(shape.calmAt, failed);
  const convergedAfter = failed() ? undefined : await calm(world, judge);
  finish(world, judge, plan);
  return {
    seed,
    violations: judge.tally.violations.slice(0, 1),
    tally: judge.tally,
    ms: scheduler.now,
    steps: scheduler.steps,
    ...(convergedAfter === undefined ? {} : { convergedAfter }),
    lines: judge.lines,
  };
}
function begin(shape: Shape, judge: Judge, trace: boolean): SimWorld {
  // The judge needs the world and the world needs the judge: what happens while it is furnished is nobody's deed yet.
  const here: { world?: SimWorld } = {};
  const late = new Proxy(judge, {
    get: (target, key: keyof Judge) => {
      const member: unknown = Reflect.get(target, key);
      return typeof member === "function"
        ? (...args: unknown[]): unknown => (here.world ? Reflect.apply(member, target, args) : undefined)
        : member;
    },
  });
  const made = new SimWorld(shape, late, trace);
  here.world = made;
  judge.begin({ api: made.api, cloud: made.cloud, now: () => made.scheduler.now });
  return made;
}
function happens(world: SimWorld, judge: Judge, event: PlanEvent): void {
  if (world.calm) return;
  judge.trace("plan", `#${event.id} ${event.kind} a=${event.a} b=${event.b} ${event.ms} ms`);
  judge.count(`event:${event.kind}`);
  DEEDS[event.kind](world, event);
}

async function calm(world: SimWorld, judge: Judge): Promise<number | undefined> {
  const { scheduler } = world;
  const { tally } = judge;
  const began = scheduler.now;
  const failed = (): boolean => tally.violations.length > 0;
  judge.trace("plan", "calm");
  world.becomeCalm();
  let problems: Problem[] = [];
  let right: number | undefined;
  while (scheduler.now < began + PATIENCE_MS && !failed()) {
    await scheduler.until(scheduler.now + LOOK_MS, failed);
    problems = problemsOf(world, (address) => judge.robbed(address));
    if (problems.length > 0) right = undefined;
    else right ??= scheduler.now;
    if (right !== undefined && scheduler.now - Math.max(judge.lastWriteAt, right) >= STILL_MS) break;
  }
  if (failed()) return undefined;
  verdict(world, judge, { problems, still: scheduler.now - judge.lastWriteAt >= STILL_MS });
  return right === undefined ? undefined : right - began;
}
function verdict(world: SimWorld, { tally, lastWrite }: Judge, end: { problems: Problem[]; still: boolean }): void {
  const { now } = world.scheduler;
  const [wrong, leaks] = [end.problems.filter((p) => !p.leak), end.problems.filter((p) => p.leak)];
  const said = (list: readonly Problem[]): string => list.map((p) => p.message).join("; ");
  if (badObjects(world) > 0)
    tally.test("6-bad-object", now, wrong.length === 0, () => `with a bad object in the cluster: ${said(wrong)}`);
  tally.test("5-quiet", now, wrong.length === 0, () => said(wrong));
  tally.test("5-leak", now, leaks.length === 0, () => said(leaks));
  tally.test("5-quiet", now, end.still, () => `still writing when everything is right; last ${lastWrite}`);
}
function finish(world: SimWorld, { tally }: Judge, plan: readonly PlanEvent[]): void {
  tally.count("seeds");
  tally.count("events", plan.length);
  if (badObjects(world) > 0) tally.count("worldsWithBadObjects");
  if ([...world.cloud.rules.values()].some(isForeign)) tally.count("worldsWithForeignRules");
  for (const [reason, n] of world.told) tally.count(`told:${reason}`, n);
}
