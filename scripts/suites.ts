// SPDX-License-Identifier: Apache-2.0
// Which test file runs in which suite: one fast suite with Node.js only, and one suite a folder below tests/ with real parts. A new folder
// is a suite of its own without being named here, so nothing is left out by forgetting it.
import * as fs from "node:fs";
import * as path from "node:path";

/** What a suite cannot run without: the built programs, gcloud, the reference data beside the checkout, namespaces of the kernel, a container runtime. */
export type Need = "tools" | "gcloud" | "shared" | "namespaces" | "containers";
export interface Suite {
  name: string;
  kind: "fast" | "real";
  files: string[];
  needs: Need[];
  /** The suite is ended and counts as failed after this many minutes. */
  minutes: number;
}

const FAST = [
  "components/",
  "controller/",
  "sandbox/",
  "scripts/",
  "tests/contract/",
  "tests/repo/",
  "tests/compute/",
  "tests/fuzz/",
  "tests/simulator/",
  "tests/emulator/schema.test.ts",
];
// The long ones first, so that no lane ends long after the others.
const REAL: { [name: string]: Pick<Suite, "needs" | "minutes"> } = {
  proofs: { needs: ["tools"], minutes: 16 },
  kubelets: { needs: ["tools", "shared", "namespaces", "containers"], minutes: 14 },
  examples: { needs: ["tools"], minutes: 14 },
  destroy: { needs: ["tools"], minutes: 12 },
  chaos: { needs: ["tools"], minutes: 14 },
  seed: { needs: ["tools", "gcloud", "shared"], minutes: 12 },
  packets: { needs: ["namespaces", "containers"], minutes: 16 },
  engine: { needs: ["tools"], minutes: 18 },
  release: { needs: ["tools"], minutes: 10 },
  older: { needs: ["tools", "shared"], minutes: 8 },
  sandbox: { needs: ["tools", "gcloud", "namespaces"], minutes: 14 },
  wrong: { needs: ["tools"], minutes: 8 },
  schema: { needs: ["tools"], minutes: 8 },
  cli: { needs: ["tools"], minutes: 6 },
  apiserver: { needs: ["tools"], minutes: 6 },
  emulator: { needs: ["gcloud", "shared"], minutes: 6 },
  world: { needs: ["tools"], minutes: 6 },
  policy: { needs: ["tools"], minutes: 6 },
  models: { needs: ["tools"], minutes: 6 },
};
const UNNAMED: Pick<Suite, "needs" | "minutes"> = { needs: ["tools"], minutes: 8 };
const FIRST = Object.keys(REAL);
const TOPS = ["components", "controller", "sandbox", "scripts", "tests"];

/** Suites of the given files (paths relative to the root), the fast one first. */
export function suitesOf(files: readonly string[]): Suite[] {
  const groups = new Map<string, string[]>();
  for (const file of [...files].sort()) {
    const name = FAST.some((start) => file.startsWith(start)) ? "fast" : (file.split("/")[1] ?? file);
    groups.set(name, [...(groups.get(name) ?? []), file]);
  }
  const rank = (name: string): number => (name === "fast" ? -1 : (FIRST.indexOf(name) + FIRST.length + 1) % (FIRST.length + 1));
  return [...groups]
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map(([name, members]) =>
      name === "fast"
        ? { name, kind: "fast", files: members, needs: ["shared"], minutes: 8 }
        : { name, kind: "real", files: members, ...(REAL[name] ?? UNNAMED) },
    );
}

/** Every test file of the repository, relative to its root. */
export function testFiles(root: string): string[] {
  return TOPS.filter((top) => fs.existsSync(path.join(root, top))).flatMap((top) =>
    fs
      .readdirSync(path.join(root, top), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".test.ts") && !file.includes("node_modules"))
      .map((file) => `${top}/${file.split(path.sep).join("/")}`),
  );
}

export interface Count {
  passed: number;
  failed: number;
  skipped: number;
}
export interface Run extends Count {
  suite: Suite;
  /** Titles of what was skipped. */
  pending: string[];
  /** What failed, each with its title and why. */
  failures: string[];
}

/** Skips that are no excuse: everything that the suite needs can be had here. */
export function inexcusable(run: Run, have: ReadonlySet<Need>): boolean {
  return run.suite.kind === "real" && run.skipped > 0 && run.suite.needs.every((need) => have.has(need));
}

export function total(runs: readonly Count[]): Count {
  const sum = (of: keyof Count): number => runs.reduce((n, run) => n + run[of], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
}
/** What failed, suite by suite: shown again at the end, where the log of a long run is read first. */
export function failureLines(runs: readonly Run[]): string[] {
  return runs
    .filter((run) => run.failed > 0)
    .flatMap((run) =>
      (run.failures.length > 0 ? run.failures : ["ended early"]).map((what) => `FAILED ${run.suite.name}: ${what}`),
    );
}
export const countLine = (c: Count): string => `${c.passed} passed, ${c.failed} failed, ${c.skipped} skipped`;

/** Counts from the reporter's file: one JSON object a line. A run that does not end properly has failed, whatever it showed before. */
export function readCounts(text: string, exitCode: number | undefined): Omit<Run, "suite"> {
  const lines = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { state: string; title?: string; why?: string });
  const of = (state: string): number => lines.filter((line) => line.state === state).length;
  const broken = of("failed") === 0 && (exitCode !== 0 || of("end") === 0);
  return {
    passed: of("passed"),
    failed: of("failed") + (broken ? 1 : 0),
    skipped: of("skipped"),
    pending: lines.flatMap((line) => (line.state === "skipped" && line.title !== undefined ? [line.title] : [])),
    failures: lines.flatMap((line) => (line.state === "failed" ? [`${line.title ?? "?"}: ${line.why ?? "no message"}`] : [])),
  };
}
