// SPDX-License-Identifier: Apache-2.0
// A name that is taken at Google, most often because an earlier destroy kept the reservation: Google's answer is a number, ours says what to do.
import * as pulumi from "@pulumi/pulumi";
import { hooksWork } from "./guard";

const TAKEN = /\b409\b|already exists/i;

/**
 * Options that explain a refused creation of this name. The update fails as it would without them.
 * @param what path of the argument, and the name that is taken
 * @param remedy how to go on
 */
export function explained(what: { path: string; name: string }, remedy: string): { hooks?: pulumi.ResourceHookBinding } {
  if (!hooksWork()) return {};
  const hook = new pulumi.ErrorHook(`taken ${what.path} ${what.name}`, async ({ failedOperation, errors }) => {
    if (failedOperation === "create" && errors.some((e) => TAKEN.test(e)))
      await pulumi.log.error(
        `${what.path}: the name "${what.name}" is reserved already, as after a destroy that kept it: ${remedy}`,
      );
    return false;
  });
  return { hooks: { onError: [hook] } };
}
