// SPDX-License-Identifier: Apache-2.0
// A write in one line of a trace.
import type { Condition, Holder } from "../../../controller/api";
import type { Write } from "../models/api";

interface Status {
  conditions?: Condition[];
  pods?: string[];
  phase?: string;
  generation?: number;
  next?: Holder;
  holder?: Holder;
}
const place = (h: Holder | undefined): string => (h ? `${h.pod}@${h.node}` : "-");
const said = (c: Condition): string => `${c.type}=${c.status}/${c.reason}@${c.observedGeneration}`;

export function brief({ after, sub }: Write): string {
  if (!after) return "gone";
  const { status } = after as { status?: Status };
  if (status?.generation !== undefined)
    return `${status.phase} g${status.generation} holder=${place(status.holder)} next=${place(status.next)}`;
  if (sub !== "status" || !status) return "";
  return `pods=${(status.pods ?? []).join()} ${(status.conditions ?? []).map(said).join(" ")}`;
}
