// SPDX-License-Identifier: Apache-2.0
// The texts that refusals have, as a file: a change of wording is seen in a review. `UPDATE_GOLDEN=1` writes it anew.
import { readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { expect } from "chai";

// Not "texts.json": require("./texts") would be that file.
const FILE = path.join(__dirname, "refusals.json");
const UPDATE = process.env.UPDATE_GOLDEN === "1";
const kept = UPDATE ? {} : (JSON.parse(readFileSync(FILE, "utf8")) as { [title: string]: string });
const found: { [title: string]: string } = {};

export function textIs(title: string, text: string): void {
  expect(found, "titles differ").to.not.have.property(title);
  found[title] = text;
  if (!UPDATE) expect(text).to.equal(kept[title]);
}

/** Writes what was found, where asked to. */
export function keepTexts(): void {
  if (UPDATE) writeFileSync(FILE, `${JSON.stringify(found, null, 2)}\n`);
}
