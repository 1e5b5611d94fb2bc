#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// "gke-persistent-ip sandbox exec -- pulumi preview": a program of yours against a local world, with no account. docs/ci.md has the recipe.
"use strict";
const [what, ...rest] = process.argv.slice(2);
if (what !== "sandbox") {
  const asked = what === "help" || what === "--help" || what === "-h";
  const text = [
    "usage: gke-persistent-ip sandbox [options] exec -- COMMAND...   run COMMAND in a local world, for example: pulumi preview",
    "       gke-persistent-ip sandbox --help                         all options",
  ];
  (asked ? console.log : console.error)(text.join("\n"));
  process.exit(asked ? 0 : 2);
}
// The folder of whoever calls is where COMMAND runs; npm and npx know it by this name too.
process.env.INIT_CWD = process.env.INIT_CWD || process.cwd();
process.argv.splice(2, process.argv.length - 2, ...rest);
require("../dist/sandbox/main.js");
