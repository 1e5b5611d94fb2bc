// SPDX-License-Identifier: Apache-2.0
// The inputs of a resource as its live form shows them, so that a change by hand appears in `pulumi refresh` and the next preview.
// A field only counts as drifted when the server's value differs from what the server itself answered after our last write:
// the server's own spelling of a value ("1000m" and "1", a null that became absent) is then never a difference.
import { isRecord, same, textAt, type Json, type Props } from "./value";

/** Inputs after a refresh. `before` are the outputs in the state, `live` those of now. */
export function refreshedInputs(inputs: Props, before: Props, live: Props): Props {
  return merge(inputs, before, live) as Props;
}

function merge(input: Json, before: Json | undefined, live: Json | undefined): Json | undefined {
  if (same(before, live)) return input;
  if (live === undefined) return undefined;
  if (isRecord(input) && isRecord(live)) return mergeRecord(input, isRecord(before) ? before : {}, live);
  if (Array.isArray(input) && Array.isArray(live)) return mergeList(input, Array.isArray(before) ? before : [], live);
  return live;
}

function mergeRecord(input: Props, before: Props, live: Props): Props {
  const out: Props = {};
  for (const [key, value] of Object.entries(input)) {
    const merged = merge(value, before[key], live[key]);
    if (merged !== undefined) out[key] = merged;
  }
  return out;
}

// A list of another length is taken whole, cut down to the members that our own elements have.
function mergeList(input: Json[], before: Json[], live: Json[]): Json[] {
  if (input.length === live.length) return input.map((v, i) => merge(v, before[i], live[i]) ?? v);
  return live.map((v) => {
    const twin = input.find((x) => textAt(x, "name") !== undefined && textAt(x, "name") === textAt(v, "name")) ?? input[0];
    return isRecord(twin) && isRecord(v) ? Object.fromEntries(Object.entries(v).filter(([k]) => k in twin)) : v;
  });
}
