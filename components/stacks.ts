// SPDX-License-Identifier: Apache-2.0
// The SDK formats a stack for every resource and every promise of it. In a TypeScript program each frame goes through source maps, which costs more than
// everything else that a large component does (measured by tests/bench/consumer.ts: about 0.25 s of processor time and 13 MB for 45 resources).

/** A field, whatever type the newest Node.js types give it. */
const formatter = Error as unknown as { prepareStackTrace?: unknown };

/**
 * Runs some work with stacks as V8 writes them. Frames of this package have no source maps to lose; a stack that is only read afterwards, such as that of
 * an error which leaves the work, is formatted then, as ever.
 */
export function withPlainStacks<T>(work: () => T): T {
  const formatted = formatter.prepareStackTrace;
  try {
    formatter.prepareStackTrace = undefined;
    return work();
  } finally {
    formatter.prepareStackTrace = formatted;
  }
}
