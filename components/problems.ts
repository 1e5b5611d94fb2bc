// SPDX-License-Identifier: Apache-2.0
// All problems of a program at once, each with the path of the property, thrown as one error before anything is registered (pulumi.md 2.3).
import * as pulumi from "@pulumi/pulumi";
import { errorsOf, type Finding, type FindingCode } from "../controller/api";
import { ArgumentError } from "./argumentError";

/** What only components can find; every other code is the contract's. */
export type ComponentCode =
  | "Exclusive"
  | "UnknownReference"
  | "Overlap"
  | "OutsideRange"
  | "ScopeMismatch"
  | "Location"
  | "Unusable"
  | "Protected"
  | "Unsupported";
export type Problem = Omit<Finding, "code"> & { code: FindingCode | ComponentCode };
export const problem = (code: Problem["code"], path: string, message: string): Problem => ({
  code,
  path,
  message,
  severity: "error",
});

/** The problem where something holds, nothing otherwise. */
export const when = (wrong: boolean, code: Problem["code"], path: string, message: string): Problem[] =>
  wrong ? [problem(code, path, message)] : [];

export interface Where {
  component: string;
  name: string;
}

/**
 * Throws where at least one problem is an error; logs warnings otherwise.
 * @param quiet keep warnings back, since a child component will log them
 * @throws ArgumentError
 */
export function refuse(where: Where, problems: readonly Problem[], quiet = false): void {
  const errors = errorsOf(problems as readonly Finding[]) as Problem[];
  if (errors.length > 0)
    throw new ArgumentError(
      where.component,
      where.name,
      errors.map((p) => ({ propertyPath: p.path, reason: `${p.message} [${p.code}]` })),
    );
  if (quiet) return;
  for (const p of problems) void pulumi.log.warn(`${where.component} "${where.name}": ${p.path}: ${p.message} [${p.code}]`);
}

/** True for a value that is known while the program runs. */
export const isPlain = <T>(v: pulumi.Input<T> | undefined): v is T =>
  v !== undefined && !pulumi.Output.isInstance(v) && !(v instanceof Promise);

/**
 * The value where nothing is wrong with it; otherwise the program ends with the one error.
 * What waits for the value is then left waiting, and the error is thrown where nobody waits. The SDK keeps a debugger session open, so V8 follows a
 * rejection along every path of promises that wait for it: from one value in the graph of a whole cluster it never came back (Node.js 20.20).
 */
export function acceptLate<T>(where: Where, problems: readonly Problem[], value: T): Promise<T> {
  try {
    refuse(where, problems);
    return Promise.resolve(value);
  } catch (error) {
    void Promise.resolve().then(() => {
      throw error;
    });
    return new Promise<never>(() => undefined);
  }
}

/** The result of some work, tied to it by a callback only: a rejection inside is not followed into what waits for the result (see acceptLate). */
export const apart = <T>(work: () => Promise<T>): Promise<T> => new Promise((resolve) => void work().then(resolve));

/** The same value, checked once it is known. Plain values are expected to be checked already and pass through. */
export function checkedLater(
  where: Where,
  value: pulumi.Input<string>,
  check: (known: string) => readonly Problem[],
): pulumi.Input<string> {
  if (isPlain(value)) return value;
  return pulumi.output(value).apply((known) => acceptLate(where, check(known), known));
}
