// SPDX-License-Identifier: Apache-2.0
// How an answer becomes bytes.
import type { Reply } from "./env";

/** Body text of a reply; empty without content. */
export function content(reply: Reply): string {
  if (reply.content === undefined) return "";
  return typeof reply.content === "string" ? reply.content : `${JSON.stringify(reply.content, undefined, 1)}\n`;
}
