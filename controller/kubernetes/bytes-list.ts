// SPDX-License-Identifier: Apache-2.0
// A list cut into its items before parsing: a page of a hundred Pods is over 1 MB, and the list without pages, which an expired continue token
// leads to, is all of them. JSON.parse cannot be interrupted; between two items the event loop can have a turn.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const ITEMS = Buffer.from('"items":[');

/** A list without its items. */
export interface Envelope {
  kind?: string;
  apiVersion?: string;
  metadata?: { resourceVersion?: string; continue?: string };
  items?: unknown[];
}

export class ListBytes {
  /** What comes before the items: of built-in kinds everything, of custom resources the apiVersion. */
  readonly head: Envelope;
  private readonly first: number;
  private at: number;

  /** @throws SyntaxError */
  constructor(private readonly bytes: Buffer) {
    this.first = startOfItems(bytes);
    this.at = this.first;
    this.head = envelope(this.first < 0 ? bytes.toString("utf8") : `${bytes.toString("utf8", 0, this.first)}]}`);
  }

  /** The bytes of one item after the other; once only. @throws SyntaxError where the bytes end too soon */
  *items(): Generator<Buffer> {
    // With blanks in it, as a server prints it for people: not our server's form, but the objects are there all the same.
    if (this.first < 0) for (const item of this.head.items ?? []) yield Buffer.from(JSON.stringify(item));
    while (this.at >= 0 && this.bytes[this.at] !== CLOSE_BRACKET) {
      const end = endOfValue(this.bytes, this.at);
      yield this.bytes.subarray(this.at, end);
      this.at = this.bytes[end] === COMMA ? end + 1 : end;
    }
  }

  /** Everything but the items, after the last of them. @throws SyntaxError where the bytes end too soon, or items are left */
  rest(): Envelope {
    if (this.first < 0) return this.head;
    return envelope(`${this.bytes.toString("utf8", 0, this.first)}${this.bytes.toString("utf8", this.at)}`);
  }
}

/** @throws SyntaxError for JSON that is no list: taken for an empty one, it would mean that everything was deleted */
function envelope(text: string): Envelope {
  const read = JSON.parse(text) as Envelope | null;
  if (typeof read !== "object" || read === null || !Array.isArray(read.items ?? [])) throw new SyntaxError("this is not a list");
  return read;
}

/** Position after the bracket of the list's own items, or -1 where there are none in the form that the API server writes. */
function startOfItems(bytes: Buffer): number {
  for (let at = bytes.indexOf(ITEMS), from = 0, depth = 0; at >= 0; at = bytes.indexOf(ITEMS, at + ITEMS.length)) {
    depth += depthOf(bytes, from, at);
    from = at;
    if (depth === 1) return at + ITEMS.length;
  }
  return -1;
}

/** How much deeper a stretch leads that begins and ends outside of strings. */
function depthOf(bytes: Buffer, from: number, to: number): number {
  let depth = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) i = endOfString(bytes, i);
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
  }
  return depth;
}

/** Position after the object or array that begins at `start`. */
function endOfValue(bytes: Buffer, start: number): number {
  for (let i = start, depth = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) i = endOfString(bytes, i);
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --depth === 0) return i + 1;
  }
  throw new SyntaxError(`the list ends within a value that begins at byte ${start}`);
}

// Most strings are short: a loop is quicker here than a call of indexOf for each.
function endOfString(bytes: Buffer, start: number): number {
  let i = start + 1;
  for (; i < bytes.length && bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) i += 1;
  return i;
}
