// SPDX-License-Identifier: Apache-2.0
// How long steps tell a display where they are. Whoever shows it (terminal line or log) decides how and how often.

/** One report of a step that is under way. `done` and `total` count `unit`s; `total` is missing while it is not known. */
export interface Progress {
  step: string;
  done?: number;
  total?: number;
  unit?: string;
  elapsedMs: number;
  finished?: boolean;
}

export type ProgressSink = (progress: Progress) => void;

/** One line for a person: `building tools 312/1450 packages, 3m10s`. */
export function progressText(progress: Progress): string {
  const counted = progress.done === undefined ? "" : ` ${countText(progress)}`;
  return `${progress.step}${counted}, ${durationText(progress.elapsedMs)}`;
}

/** `850ms`, `42s`, `3m10s`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, "0")}s`;
}

function countText({ done, total, unit }: Progress): string {
  const of = total === undefined ? "" : `/${total}`;
  return `${done}${of}${unit === undefined ? "" : ` ${unit}`}`;
}
