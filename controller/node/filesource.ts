// SPDX-License-Identifier: Apache-2.0
// The wish from a file instead of an API server: for laboratories, and for a node that must be served by hand.
import * as fs from "node:fs";
import * as path from "node:path";
import { messageOf } from "./errors";
import { parseIntent, type Intent } from "./intent";
import type { Clock, Logger, Timer } from "./ports";

/**
 * Calls `take` with what the file holds, now and after each change. A file that is missing or wrong is said, and changes nothing.
 * @returns what ends the watching
 */
export function watchFile(file: string, o: { clock: Clock; logger: Logger }, take: (intent: Intent) => void): () => void {
  let last = "";
  let timer: Timer | undefined;
  const read = (): void => {
    try {
      const text = fs.readFileSync(file, "utf8");
      if (text === last) return;
      const intent = parseIntent(text);
      last = text;
      take(intent);
    } catch (error) {
      o.logger.warn({ file, error: messageOf(error) }, "the wish cannot be read; what was wanted before stays wanted");
    }
  };
  // The folder is watched, because a file that is replaced is another file.
  const watcher = fs.watch(path.dirname(file), (_event, name) => {
    if (name === null || name === path.basename(file)) read();
  });
  const again = (): void => {
    timer = o.clock.setTimeout(() => {
      read();
      again();
    }, 1_000);
  };
  read();
  again();
  return () => {
    watcher.close();
    timer?.cancel();
  };
}

/** Whole or not at all, so that a reader never sees a half. */
export function writeWhole(file: string, text: string): void {
  fs.writeFileSync(`${file}.new`, text);
  fs.renameSync(`${file}.new`, file);
}
