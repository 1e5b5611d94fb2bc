// SPDX-License-Identifier: Apache-2.0
// A stand-in for `ip -force -batch -`: a Node.js program that reads lines and answers as ip does, so that the co-process can be tried anywhere
// and made to fail. Words: `show X` prints ["X"], `ok` does nothing, `bad WHY` fails, `torn X` says that a dump was interrupted, `die CODE` ends, `hang` never answers.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

const PROGRAM = `
const fs = require("fs");
let line = 0, rest = "", stuck = false;
const err = (text) => fs.writeSync(2, text + "\\n");
const failed = (why) => { err(why); err("Command failed -:" + line); };
const deeds = {
  show: (w) => fs.writeSync(1, JSON.stringify(w) + "\\n"),
  empty: () => fs.writeSync(1, "[]\\n\\n"),
  ok: () => undefined,
  bad: (w) => failed("RTNETLINK answers: " + w.join(" ")),
  torn: (w) => { err("Dump was interrupted and may be inconsistent."); deeds.show(w); },
  die: (w) => process.exit(Number(w[0] ?? 0)),
  kill: () => process.kill(process.pid, "SIGKILL"),
  hang: () => { stuck = true; },
};
process.stdin.on("data", (d) => {
  const lines = (rest + d).split("\\n");
  rest = lines.pop();
  for (const text of lines) {
    if (stuck) return;
    line += 1;
    const [word, ...words] = text.split(" ");
    if (deeds[word]) deeds[word](words);
    else failed('Object "' + word + '" is unknown, try "ip help".');
  }
});
process.stdin.on("end", () => process.exit(0));
`;

/** Writes the program into a new folder. @returns command for `IpCoprocess`, and how to remove it */
export function fakeIp(): { command: string[]; remove(): void } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pip-fake-ip-"));
  const file = path.join(folder, "ip.js");
  fs.writeFileSync(file, PROGRAM);
  return { command: [process.execPath, file], remove: () => fs.rmSync(folder, { recursive: true, force: true }) };
}
