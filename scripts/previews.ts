// SPDX-License-Identifier: Apache-2.0
// `npm run docs:previews`: writes docs/previews.md from the golden plans. `-- --check` only says whether the page is that of the plans.
import * as fs from "node:fs";
import * as path from "node:path";
import { page, readPlans } from "../tests/engine/golden/plans";

const FILE = path.resolve(__dirname, "../docs/previews.md");

/** Whether the page on the disk is the one that the plans make. */
export const isCurrent = (): boolean => fs.existsSync(FILE) && fs.readFileSync(FILE, "utf8") === page(readPlans());

if (require.main === module) {
  if (!process.argv.includes("--check")) fs.writeFileSync(FILE, page(readPlans()));
  else if (!isCurrent()) {
    console.error("docs/previews.md is not that of tests/engine/golden/golden.json; run npm run docs:previews");
    process.exitCode = 1;
  }
}
