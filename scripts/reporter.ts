// SPDX-License-Identifier: Apache-2.0
// mocha's own spec reporter, which besides appends each result to a file at once: what was shown before a crash or a timeout still counts.
import * as fs from "node:fs";
import Mocha from "mocha";

const { EVENT_RUN_END, EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING } = Mocha.Runner.constants;

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 600);

class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const file = process.env.TEST_COUNTS_FILE;
    if (file === undefined) return;
    const note = (state: string, title?: string, why?: string): void =>
      fs.appendFileSync(file, `${JSON.stringify({ state, title, why })}\n`);
    runner
      .on(EVENT_TEST_PASS, (test) => note("passed", test.fullTitle()))
      .on(EVENT_TEST_FAIL, (test, error: unknown) => note("failed", test.fullTitle(), reason(error)))
      .on(EVENT_TEST_PENDING, (test) => note("skipped", test.fullTitle()))
      .once(EVENT_RUN_END, () => note("end"));
  }
}
export = CountingReporter;
