// SPDX-License-Identifier: Apache-2.0
// Which of two pieces of knowledge is newer, when reads overlap with writes: a read that began before a write of ours ended must not
// overwrite what that write brought back.

export class Freshness {
  private tick = 0;
  /** Everything without an entry of its own is as of this. */
  private floor = 0;
  private readonly known = new Map<string, number>();

  /** Marks the beginning of a read, or the end of a write. */
  now(): number {
    return ++this.tick;
  }
  /** May knowledge as of `at` replace what is known under the key? */
  admits(key: string, at: number): boolean {
    return at > (this.known.get(key) ?? this.floor);
  }
  stamp(key: string, at: number): void {
    if (this.admits(key, at)) this.known.set(key, at);
  }
  /** A complete read that began at `at` has been taken in: older entries need not be kept. */
  complete(at: number): void {
    this.floor = Math.max(this.floor, at);
    for (const [key, stamp] of this.known) if (stamp <= this.floor) this.known.delete(key);
  }
}
