// SPDX-License-Identifier: Apache-2.0
// The program that the YAML host runs: SCHEMA names the package's schema, the working folder is the program's.
import { readFileSync } from "node:fs";
import type { PackageSchema } from "../../../scripts/schema-types";
import { run } from "./yaml";

const schema = JSON.parse(readFileSync(process.env["SCHEMA"]!, "utf8")) as PackageSchema;
module.exports = run(process.cwd(), schema);
