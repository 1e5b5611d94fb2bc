// SPDX-License-Identifier: Apache-2.0
// Waiting on the API server by polling: until an object is done, and until it is gone. Both end early when the engine cancels.
import { isApiError } from "../../../controller/kubernetes/transport";
import { ProviderError, type About } from "../provider";
import { at, textAt, type Props } from "../value";
import { isAbsent, serverWords, type KubeObjects } from "./api";
import { idOf } from "./object";
import { annotation, testFor, timeoutSeconds } from "./waitfor";

export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

interface Wait {
  objects: KubeObjects;
  /** Their annotations say what to wait for and how long. */
  inputs: Props;
  q: Pick<About, "timeout" | "signal">;
  sleep: Sleep;
}

const FIRST_POLL_MS = 100;
const LONGEST_POLL_MS = 1000;

/** Polls until the object is done. `failure` says what was missing when the time was up, or that the object vanished. */
export async function waitUntilDone(w: Wait & { applied: Props }): Promise<{ live: Props; failure?: string }> {
  const test = testFor(w.inputs);
  const seconds = timeoutSeconds(w.inputs, w.q.timeout);
  let live = w.applied;
  for (const pause of pauses(seconds)) {
    const verdict = test(live);
    if (verdict.ready) return { live };
    if (pause === undefined || w.q.signal.aborted) return { live, failure: tooLate(live, seconds, verdict.why) };
    await w.sleep(pause, w.q.signal);
    const found = await w.objects.find(w.applied);
    if (found === undefined)
      return { live, failure: `${textAt(live, "kind") ?? ""} "${idOf(live)}" was deleted while waiting for it` };
    live = found;
  }
  return { live };
}

function tooLate(live: Props, seconds: number, why: string): string {
  return `timed out after ${seconds} s waiting for ${textAt(live, "kind") ?? "object"} "${idOf(live)}" to be ready: ${why}`;
}

/** Growing pauses that add up to `seconds`; the last entry is undefined: time is up. */
export function* pauses(seconds: number): Generator<number | undefined> {
  let left = seconds * 1000;
  for (let ms = FIRST_POLL_MS; left > 0; ms = Math.min(ms * 1.5, LONGEST_POLL_MS)) {
    const pause = Math.min(ms, left);
    left -= pause;
    yield pause;
  }
  yield undefined;
}

// Owners go in the foreground, so that "gone" includes their Pods; the rest has nothing below it.
const OWNERS: ReadonlySet<string> = new Set(["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"]);

/** Deletes and waits until the object (this very one, by UID) is gone. Absent already is fine. @throws ProviderError Timeout with what holds it */
export async function removeAndWait(w: Wait & { target: Props }): Promise<void> {
  const there = await w.objects.find(w.target);
  if (there === undefined) return;
  const uid = textAt(there, "metadata.uid");
  const policy =
    annotation(w.inputs, "deletionPropagationPolicy") ?? (OWNERS.has(textAt(there, "kind") ?? "") ? "Foreground" : "Background");
  try {
    await w.objects.delete(w.target, capital(policy), uid);
  } catch (error) {
    if (isAbsent(error)) return;
    throw error;
  }
  if (annotation(w.inputs, "skipAwait") !== "true") await waitUntilGone(w, uid);
}

async function waitUntilGone(w: Wait & { target: Props }, uid: string | undefined): Promise<void> {
  const seconds = timeoutSeconds(w.inputs, w.q.timeout);
  for (const pause of pauses(seconds)) {
    const live = await w.objects.find(w.target);
    if (live === undefined || textAt(live, "metadata.uid") !== uid) return;
    if (pause === undefined || w.q.signal.aborted) throw stillThere(live, seconds);
    await w.sleep(pause, w.q.signal);
  }
}

function stillThere(live: Props, seconds: number): ProviderError {
  const finalizers = at(live, "metadata.finalizers");
  const held =
    Array.isArray(finalizers) && finalizers.length > 0
      ? `held by finalizers ${finalizers.filter((f) => typeof f === "string").join(", ")}`
      : "no finalizer left";
  return new ProviderError(
    "Timeout",
    `timed out after ${seconds} s waiting for ${textAt(live, "kind") ?? ""} "${idOf(live)}" to be deleted: ${held}`,
  );
}

const capital = (s: string): string => s.charAt(0).toUpperCase() + s.slice(1);

/** An error as the user reads it: object first, then the server's own words. */
export function explain(error: unknown, object: Props): unknown {
  if (!isApiError(error)) return error;
  const what = `${textAt(object, "kind") ?? "object"} "${idOf(object)}"`;
  if (isApiError(error, "Network", "Timeout")) {
    return new ProviderError("Unreachable", `configured Kubernetes cluster is unreachable: ${what}: ${error.message}`, {
      cause: error,
    });
  }
  const taken = isApiError(error, "Conflict") && /conflict/i.test(serverWords(error));
  const advice = taken
    ? "; set the annotation pulumi.com/patchForce or enablePatchForce on the provider to take the field over"
    : "";
  return new ProviderError("Refused", `${what}: ${serverWords(error)}${advice}`, { cause: error });
}
