// SPDX-License-Identifier: Apache-2.0
// Who the fabric may still be sending packets to although the journal speaks of somebody else: a Pod whose switch was begun and then overtaken by
// another wish, and a Pod that was left a moment ago. Their nodes must not let go yet. Pure.
import { FORMER_LIMIT, type AddressBindingStatus, type Former, type Holder } from "../api";
import { samePod } from "./standby";

/** How long a Pod that was left is remembered, milliseconds: far beyond what its node needs. */
const FORGET_MS = 120_000;

/** Newest first, each Pod once, none that has the address now, none that was left long ago. */
function kept(list: readonly Former[], now: string, except: readonly (Holder | undefined)[]): Former[] | undefined {
  const young = list
    .filter((f) => f.leftAt === undefined || Date.parse(now) - Date.parse(f.leftAt) < FORGET_MS)
    .filter((f, i, all) => !except.some((h) => samePod(f, h)) && all.findIndex((g) => samePod(g, f)) === i)
    .slice(0, FORMER_LIMIT);
  return young.length > 0 ? young : undefined;
}

/**
 * After `begin`: where a switch had been begun, its target may have the packets already. The next holder stays in the list if it is there: this
 * move may be broken off like the one before.
 */
export function formerWhenBegun(status: AddressBindingStatus, now: string): Former[] | undefined {
  const overtaken = status.phase === "Switching" && status.next ? [status.next] : [];
  return kept([...overtaken, ...(status.former ?? [])], now, [status.holder]);
}

/** After `commit`: the fabric was read back, so whoever else might have had the packets was left by now. */
export function formerWhenCommitted(status: AddressBindingStatus, now: string): Former[] | undefined {
  const left = (h: Former): Former => ({ ...h, leftAt: h.leftAt ?? now });
  return kept([...(status.holder ? [status.holder] : []), ...(status.former ?? [])].map(left), now, [status.next]);
}
