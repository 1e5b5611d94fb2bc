// SPDX-License-Identifier: Apache-2.0
// Keeps what cannot be changed in place as the inputs of a component, and has the engine ask before it updates them: the one place where a program
// sees both what is deployed and what it wants. Runs in previews too; takes no part in a refresh or a destroy.
import * as pulumi from "@pulumi/pulumi";
import { ArgumentError } from "./argumentError";
import { OnDestroy } from "./enums";
import { type Fixed, refusedEdits, type Remembered, withChosen } from "./fixed";
import type { Where } from "./problems";
import { mapOwnFramesOnly } from "./stacks";

const guarding = new WeakSet<pulumi.Resource>();
/** True where a component around this one remembers for it. */
const guardedAbove = (opts: pulumi.ComponentResourceOptions | undefined): boolean =>
  opts?.parent !== undefined && guarding.has(opts.parent);
/** A component that remembers for those that it makes itself; what a program puts below it later remembers for itself. */
export function guardsInside<T>(component: pulumi.Resource, make: () => T): T {
  guarding.add(component);
  try {
    return make();
  } finally {
    guarding.delete(component);
  }
}

export interface Watched {
  fixed: Fixed;
  onDestroy?: OnDestroy | undefined;
  unlocked?: string[] | undefined;
}
export interface Guarded {
  inputs: pulumi.Inputs;
  opts: pulumi.ComponentResourceOptions | undefined;
}

/** False under a user's mocks, which would wait for ever, and with a CLI older than 3.182. There the engine's own protection remains. */
export function hooksWork(): boolean {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- what the engine can do is not part of the SDK's typed surface
  const state = require("@pulumi/pulumi/runtime/state") as { getStore(): { supportsResourceHooks: boolean } };
  const monitor = pulumi.runtime.getMonitor() as { registerResourceHook?: unknown } | undefined;
  return typeof monitor?.registerResourceHook === "function" && state.getStore().supportsResourceHooks;
}

const list = (v: unknown): string[] => (Array.isArray(v) ? v.filter((s): s is string => typeof s === "string") : []);
/** From the state; older releases remembered nothing. */
function remembered(inputs: unknown): Remembered {
  const { fixed, onDestroy, unlocked } = (inputs ?? {}) as Partial<Record<keyof Remembered, unknown>>;
  return { fixed: (fixed ?? {}) as Fixed, onDestroy: (onDestroy ?? OnDestroy.Protect) as OnDestroy, unlocked: list(unlocked) };
}

/**
 * Inputs and options for a component's `super`: with them the engine refuses edits that would replace or give up something (DESIGN 9.2).
 * The refusal has the shape of an ArgumentError's message and ends the preview or the update before anything is touched.
 */
export function guard({ component, name }: Where, opts: pulumi.ComponentResourceOptions | undefined, watched: Watched): Guarded {
  mapOwnFramesOnly();
  if (guardedAbove(opts)) return { inputs: {}, opts };
  const { fixed, onDestroy = OnDestroy.Protect, unlocked = [] } = watched;
  const inputs = { fixed, onDestroy, unlocked: [...unlocked].sort() };
  if (!hooksWork()) return { inputs, opts };
  const check: pulumi.ResourceHookFunction = ({ oldInputs, newInputs, oldOutputs }) => {
    // Outputs are there once everything inside was made; until then there may be nothing to lose, such as after a first update that failed.
    if (Object.keys(oldOutputs ?? {}).length === 0) return;
    const { addresses = {} } = oldOutputs as { addresses?: { [key: string]: unknown } };
    const problems = refusedEdits(withChosen(remembered(oldInputs), addresses), remembered(newInputs));
    if (problems.length === 0) return;
    const found = problems.map((p) => ({ propertyPath: p.path, reason: `${p.message} [${p.code}]` }));
    throw new ArgumentError(component, name, found, "edits that are refused");
  };
  const before = new pulumi.ResourceHook(`${component} ${name}`, check, { onDryRun: true });
  const hooks = { ...opts?.hooks, beforeUpdate: [...(opts?.hooks?.beforeUpdate ?? []), before] };
  return { inputs, opts: { ...opts, hooks } };
}
