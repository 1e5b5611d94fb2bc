// SPDX-License-Identifier: Apache-2.0
import { runSeed } from "./run";
void (async () => {
  const seed = Number(process.argv[2]);
  const n = Number(process.argv[3] ?? 1);
  const trace = process.argv[4] === "trace";
  const t = performance.now();
  let bad = 0;
  for (let s = seed; s < seed + n; s++) {
    process.stderr.write(process.env.SHOW ? `${s} ` : "");
    const o = await runSeed(s, { trace });
    if (trace) console.log(o.lines.join("\n"));
    if (o.violations.length) {
      bad++;
      console.log(s, o.violations[0]!.invariant, (o.violations[0]!.at / 1000).toFixed(1), o.violations[0]!.message.slice(0, 600));
    }
    if (n === 1)
      console.log(o.ms, o.steps, o.convergedAfter, Object.fromEntries(o.tally.counts), Object.fromEntries(o.tally.exercised));
  }
  console.log(bad, "of", n, ((performance.now() - t) / n).toFixed(1), "ms a seed");
})();
