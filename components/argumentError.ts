// SPDX-License-Identifier: Apache-2.0
// The one error that components throw: every wrong property at once, readable in a program and structured for a remote component (pulumi.md 2.3).
import * as pulumi from "@pulumi/pulumi";

/** One wrong property. */
export interface ArgumentProblem {
  propertyPath: string;
  reason: string;
}

/**
 * The arguments of a component make no sense; nothing of it was registered. `errors` has one entry a property.
 * Prints without a stack in a program, and becomes INVALID_ARGUMENT with details for a remote component.
 */
export class ArgumentError extends pulumi.ResourceError {
  readonly code: string = "InvalidArguments";
  readonly retry: boolean = false;
  readonly errors: ArgumentProblem[];
  /** @param what the problems are, in the plural; default: problems in its arguments */
  constructor(component: string, name: string, errors: ArgumentProblem[], what?: string) {
    const lines = errors.map((e) => `  ${e.propertyPath}: ${e.reason}`);
    const one = errors.length === 1;
    const headline = what === undefined ? `${errors.length} problem${one ? "" : "s"} in its arguments` : what;
    super(`${component} "${name}" has ${headline}:\n${lines.join("\n")}`, undefined, true);
    this.errors = errors;
    // Nobody is shown the frames, yet the SDK formats them: Node.js 20.20 never comes back from that for "node_modules/@pulumi/output.ts", which
    // is what the SDK's source maps make of a frame inside of an apply (util.inspect, markNodeModules).
    this.stack = this.message;
    // Marker by which the provider server recognises its own InputPropertiesError (an internal name: kept in this one place).
    Object.defineProperty(this, "__pulumiInputPropertiesError", { value: true });
  }
}
