// SPDX-License-Identifier: Apache-2.0
// Partial responses: the `fields` query parameter, e.g. `items(name,IPAddress),nextPageToken` or `items/name`.
import { invalid } from "./errors";

/** A tree of wanted names; an empty tree wants everything below. */
type Mask = Map<string, Mask>;

/** @throws ApiError `invalid` for a mask that cannot be read */
export function applyFields(value: unknown, fields: string | undefined): unknown {
  if (fields === undefined || fields === "") return value;
  return pick(value, new MaskParser(fields).whole());
}

function pick(value: unknown, mask: Mask): unknown {
  if (mask.size === 0) return value;
  if (Array.isArray(value)) return value.map((part) => pick(part, mask));
  if (typeof value !== "object" || value === null) return value;
  const out: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    const wanted = mask.get(name) ?? mask.get("*");
    if (wanted) out[name] = pick(inner, wanted);
  }
  return out;
}

class MaskParser {
  private at = 0;

  constructor(private readonly text: string) {}

  whole(): Mask {
    const mask = this.list();
    if (this.at < this.text.length) throw this.unreadable();
    return mask;
  }

  private list(): Mask {
    const mask: Mask = new Map();
    do this.entry(mask);
    while (this.take(","));
    return mask;
  }

  private entry(mask: Mask): void {
    const name = /^[\w*.-]+/.exec(this.text.slice(this.at))?.[0];
    if (name === undefined) throw this.unreadable();
    this.at += name.length;
    const inner = mask.get(name) ?? (new Map() as Mask);
    mask.set(name, inner);
    if (this.take("/")) this.entry(inner);
    else if (this.take("(")) {
      for (const [key, value] of this.list()) inner.set(key, value);
      if (!this.take(")")) throw this.unreadable();
    }
  }

  private take(character: string): boolean {
    const there = this.text[this.at] === character;
    if (there) this.at += 1;
    return there;
  }

  private unreadable() {
    return invalid("fields", this.text, "It cannot be read.");
  }
}
