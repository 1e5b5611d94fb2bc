// SPDX-License-Identifier: Apache-2.0
// Keeps the state that this release leaves of the golden stack, so that the next releases are previewed on it: `npx ts-node -T scripts/state-fixture.ts`
// on the commit of the release, after `npm run build`. `--name NAME` where it is none; COMPONENTS_DIST chooses another build.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as path from "node:path";

const root = path.resolve(__dirname, "..");
const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { version: string };
const at = process.argv.indexOf("--name");
const name = (at < 0 ? undefined : process.argv[at + 1]) ?? version;
const mocha = [require.resolve("mocha/bin/mocha.js"), "tests/engine/golden/life.test.ts", "--grep", "can be kept"];
const ran = spawnSync(process.execPath, mocha, { cwd: root, stdio: "inherit", env: { ...process.env, KEEP_STATE: name } });
if (ran.status === 0) console.log(`kept tests/engine/golden/state-${name}.json.gz; commit it with the release`);
process.exitCode = ran.status ?? 1;
