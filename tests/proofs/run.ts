// SPDX-License-Identifier: Apache-2.0
// Runs one of the package's own proofs as its user would, with as much of it as CI can afford, and answers its report.
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

const ROOT = path.resolve(__dirname, "../..");

export interface Proof {
  code: number | null;
  output: string;
  /** The parsed file behind `--report`; undefined where none was asked for or written. */
  report: unknown;
}

/** @param script path from the root @param args without `--report` @param withReport asks for a report and reads it */
export async function prove(script: string, args: readonly string[], withReport: boolean): Promise<Proof> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "proof-"));
  const file = path.join(folder, "report.json");
  try {
    const all = [require.resolve("ts-node/dist/bin"), "-T", script, ...args, ...(withReport ? ["--report", file] : [])];
    const child = spawn(process.execPath, all, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], env: process.env });
    let output = "";
    const add = (chunk: Buffer): void => void (output += chunk.toString());
    child.stdout.on("data", add);
    child.stderr.on("data", add);
    const code = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
    const report: unknown = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : undefined;
    return { code, output, report };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
