// SPDX-License-Identifier: Apache-2.0
// One forwarding rule of ours on a scripted server, which moves when it is told to.
import { ruleLabels } from "../../api/names";
import { isComputeError, type ComputeError } from "../errors";
import type { ObservedRule } from "../types";
import { scriptedServer, type Reply, type Request, type ScriptedServer } from "./scripted-server";

export const RULES = "projects/p1/regions/us-central1/forwardingRules";
export const T1 = "projects/p1/zones/us-central1-a/targetInstances/t1";
export const T2 = "projects/p1/zones/us-central1-a/targetInstances/t2";
const labels = ruleLabels("uid-1", "34.123.10.1");
export const rule: ObservedRule = {
  name: "r1",
  address: "34.123.10.1",
  target: T1,
  scheme: "EXTERNAL",
  protocol: "L3_DEFAULT",
  labels,
  ours: true,
  id: "7",
};
export const wire = (target: string) => ({
  name: "r1",
  id: "7",
  IPAddress: "34.123.10.1",
  IPProtocol: "L3_DEFAULT",
  target,
  labels,
});
export const operation = (status: string, more: object = {}) => ({
  name: "operation-1",
  status,
  region: "regions/us-central1",
  ...more,
});
export const isSet = (request: Request) => request.path.endsWith("/setTarget");
export const isWait = (request: Request) => request.path.endsWith("/wait");

/** A server on which the rule moves as asked; `on` may answer instead. */
export function moving(on: (request: Request, sets: number, waits: number) => Reply | undefined): Promise<ScriptedServer> {
  let target = T1;
  let sets = 0;
  let waits = 0;
  return scriptedServer((request) => {
    if (isSet(request)) sets++;
    if (isWait(request)) waits++;
    const special = on(request, sets, waits);
    if (isSet(request) && special?.status === undefined) target = T2;
    if (special) return special;
    if (isSet(request)) return { body: operation("RUNNING") };
    if (isWait(request)) return { body: operation("DONE") };
    return { body: wire(target) };
  });
}

/** The ComputeError that a promise fails with. @throws when it does not */
export const caught = async (promise: Promise<unknown>): Promise<ComputeError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (each: unknown) => each,
  );
  if (!isComputeError(error)) throw new Error(`expected a ComputeError, got ${String(error)}`);
  return error;
};
