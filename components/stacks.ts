// SPDX-License-Identifier: Apache-2.0
// The SDK formats a stack for each resource, and one for each promise of it. Where TypeScript runs from its sources, every frame goes through source maps,
// which costs a large component more than all else that it does (docs/adr/0013-stacks.md). Only the program's own frames have something to gain from that.

type Formatter = (error: Error, frames: NodeJS.CallSite[]) => unknown;
/** A field, whatever type the newest Node.js types give it. */
const v8 = Error as unknown as { prepareStackTrace?: Formatter | undefined };

const INSTALLED = /[\\/]node_modules[\\/]/;
/** Of an installed package, or of this one wherever it lies. */
const foreign = (file: string): boolean => INSTALLED.test(file) || file.startsWith(__dirname);

/** As V8 writes it, with the parentheses by which the SDK finds positions; a call site's own text takes five times as long. */
function plain(frame: NodeJS.CallSite, file: string): string {
  const how = frame.isConstructor() ? "new " : "";
  return `\n    at ${how}${frame.getFunctionName() ?? "<anonymous>"} (${file}:${frame.getLineNumber()}:${frame.getColumnNumber()})`;
}

/** Frames of Node.js itself, of its module loader above all, are left out: the SDK skips them too. */
function ownFramesMapped(mapped: Formatter): Formatter {
  return (error, frames) => {
    // What the SDK notes for its search for promises that never end; it shows that with PULUMI_DEBUG_PROMISE_LEAKS only.
    if (frames[0]?.getFunctionName() === "debuggablePromise") return "Error";
    const header = mapped(error, []);
    if (typeof header !== "string") return mapped(error, frames);
    let text = header;
    for (const frame of frames) {
      const file = frame.getFileName() ?? "";
      if (file.startsWith("node:")) continue;
      text += foreign(file) ? plain(frame, file) : String(mapped(error, [frame])).slice(header.length);
    }
    return text;
  };
}

let ours: Formatter | undefined;

/**
 * From now on only frames of the program's own files go through source maps. Changes nothing where there are none, and nothing where promises that never
 * end are looked for. Every component calls it before it registers anything.
 */
export function mapOwnFramesOnly(env: NodeJS.ProcessEnv = process.env): void {
  const mapped = v8.prepareStackTrace;
  if (mapped === undefined || mapped === ours || env["PULUMI_DEBUG_PROMISE_LEAKS"]) return;
  ours = ownFramesMapped(mapped);
  v8.prepareStackTrace = ours;
}
