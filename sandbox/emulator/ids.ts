// SPDX-License-Identifier: Apache-2.0
// Numeric ids, operation names, fingerprints and timestamps in Google's spelling. Deterministic but for the clock.
import { createHash } from "node:crypto";

/** What Google returns for an empty set of labels. */
const EMPTY_LABELS = "42WmSpB8rSM=";

/** Eight bytes in URL-safe base64, as the `byte` format of the discovery documents. */
export function fingerprint(content: unknown): string {
  const digest = createHash("sha256")
    .update(JSON.stringify(content) ?? "")
    .digest()
    .subarray(0, 8);
  return digest.toString("base64").replace(/\+/g, "-").replace(/\//g, "_");
}

export function labelFingerprint(labels: Record<string, string> | undefined): string {
  const entries = Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? EMPTY_LABELS : fingerprint(entries);
}

/** Clients may send either base64 alphabet back. */
export function sameFingerprint(a: string, b: string): boolean {
  const plain = (text: string) => text.replace(/-/g, "+").replace(/_/g, "/").replace(/=+$/, "");
  return plain(a) === plain(b);
}

/** RFC 3339 with milliseconds and the Pacific offset that Compute prints. */
export function timestamp(ms: number): string {
  return new Date(ms - 8 * 3600_000).toISOString().replace("Z", "-08:00");
}

/** Ids and names that never repeat within one emulator. */
export class Ids {
  private next = 0;

  constructor(private readonly now: () => number) {}

  /** A uint64 in decimal, 19 digits. */
  numeric(): string {
    this.next += 1;
    return (4_000_000_000_000_000_000n + BigInt(this.next) * 7_919_000_000_003n).toString();
  }

  operation(): string {
    this.next += 1;
    const tail = createHash("sha256").update(String(this.next)).digest("hex");
    return `operation-${this.now()}-${tail.slice(0, 13)}-${tail.slice(13, 21)}-${tail.slice(21, 29)}`;
  }
}
