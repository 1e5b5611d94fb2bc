// SPDX-License-Identifier: Apache-2.0
// Named steps with their times: one living line on a terminal, plain lines in a log. It prints; it decides nothing.

export interface StepResult {
  name: string;
  ms: number;
  ok: boolean;
  detail?: string;
}
export interface Progressing {
  /** Replaces what stands behind the step's name while it runs. */
  update(text: string): void;
}
export interface Display {
  readonly steps: readonly StepResult[];
  /** Runs a step. The text that it returns, if any, stands behind its time. What it throws is passed on. */
  step<T>(name: string, work: (p: Progressing) => Promise<T>, detail?: (result: T) => string | undefined): Promise<T>;
  /** Prints lines between steps. */
  say(text?: string): void;
}
interface Out {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 100;
/** How often a log hears of a step that takes long. */
const LOG_MS = 15_000;

export const seconds = (ms: number): string =>
  ms < 10_000
    ? `${(ms / 1000).toFixed(1)} s`
    : ms < 120_000
      ? `${Math.round(ms / 1000)} s`
      : `${Math.floor(ms / 60_000)}m${String(Math.round((ms % 60_000) / 1000)).padStart(2, "0")}s`;

/** @param out where to print; a terminal gets a moving line */
export function createDisplay(out: Out, now: () => number = Date.now): Display {
  const steps: StepResult[] = [];
  const paint = (code: string, text: string): string => (out.isTTY ? `\u001b[${code}m${text}\u001b[0m` : text);
  const clear = (): void => void (out.isTTY && out.write("\r\u001b[2K"));
  return {
    steps,
    say: (text = "") => void out.write(`${text}\n`),
    async step(name, work, detail) {
      const started = now();
      let note = "";
      let said = started;
      let frame = 0;
      const line = (): string => `${name} ${seconds(now() - started)}${note ? `  ${note}` : ""}`;
      const tick = (): void => {
        if (out.isTTY)
          out.write(`\r\u001b[2K${paint("36", FRAMES[frame++ % FRAMES.length]!)} ${line().slice(0, (out.columns ?? 100) - 4)}`);
        else if (now() - said >= LOG_MS) {
          said = now();
          out.write(`  … ${line()}\n`);
        }
      };
      const timer = setInterval(tick, FRAME_MS);
      try {
        const result = await work({ update: (text) => void (note = text) });
        const ms = now() - started;
        const text = detail?.(result);
        clear();
        steps.push({ name, ms, ok: true, ...(text ? { detail: text } : {}) });
        out.write(`${paint("32", "✔")} ${name.padEnd(44)} ${seconds(ms).padStart(7)}${text ? `  ${paint("2", text)}` : ""}\n`);
        return result;
      } catch (error) {
        const ms = now() - started;
        clear();
        steps.push({ name, ms, ok: false, detail: error instanceof Error ? error.message : String(error) });
        out.write(`${paint("31", "✖")} ${name.padEnd(44)} ${seconds(ms).padStart(7)}\n`);
        throw error;
      } finally {
        clearInterval(timer);
      }
    },
  };
}

/** Columns padded to their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((h, i) => Math.max(h.length, ...rows.map((r) => (r[i] ?? "").length)));
  return [head, ...rows]
    .map((r) =>
      r
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
