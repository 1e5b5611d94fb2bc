// SPDX-License-Identifier: Apache-2.0
// States that former releases left of the golden stack, kept as files: what differs from run to run (project, API server, folders, times) is taken out
// when one is kept, and put in again when it is used.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

/** What stands in a state only because of where it was made. */
export interface Place {
  /** Name of the Pulumi project. */
  project: string;
  /** Host and port of the API server. */
  server: string;
  /** Its certificate authority, base64. */
  ca: string;
}
const WORDS: { [K in keyof Place]: string } = { project: "PROJECT-NAME", server: "API-SERVER", ca: "API-CA" };
const EPOCH = "2026-01-01T00:00:00Z";

/** A state export (with --show-secrets: labels are what the provider marks as such) as it can be checked in: no place of this machine, no times. */
export function stripped(text: string, place: Place): string {
  const state = JSON.parse(text) as object;
  if (text.includes('"ciphertext"')) throw new Error("the state is encrypted; export it with --show-secrets");
  const plain = JSON.stringify(state, (key, value: unknown) =>
    ["created", "modified", "time"].includes(key) && typeof value === "string"
      ? EPOCH
      : key === "sourcePosition"
        ? undefined
        : value,
  );
  const keys = Object.keys(WORDS) as (keyof Place)[];
  return keys.reduce((all, key) => all.replaceAll(place[key], WORDS[key]), plain);
}

/** The same, to be imported here. */
export const filled = (text: string, place: Place): string =>
  (Object.keys(WORDS) as (keyof Place)[]).reduce((all, key) => all.replaceAll(WORDS[key], place[key]), text);

const FILE = /^state-(.+)\.json\.gz$/;
/** Names of the kept states: releases, or what else they were made by. */
export const keptStates = (): string[] => readdirSync(__dirname).flatMap((f) => FILE.exec(f)?.[1] ?? []);
export const readState = (name: string): string =>
  gunzipSync(readFileSync(path.join(__dirname, `state-${name}.json.gz`))).toString();
export const keepState = (name: string, text: string): void =>
  writeFileSync(path.join(__dirname, `state-${name}.json.gz`), gzipSync(text, { level: 9 }));
