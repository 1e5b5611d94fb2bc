// SPDX-License-Identifier: Apache-2.0
// What CHANGELOG.md must say of each change: what a user's next preview shows. `ts-node scripts/changelog.ts VERSION` prints the notes of a release.
import * as fs from "node:fs";
import * as path from "node:path";

export interface Section {
  /** `Unreleased` or a version. */
  name: string;
  date?: string;
  /** What stands behind "**Preview effect:**". */
  effect?: string;
  entries: { group: string; text: string }[];
  text: string;
}

const GROUPS = ["Added", "Changed", "Deprecated", "Fixed", "Known limits", "Removed", "Security"];
/** Groups whose entries meet stacks that are there. */
const TOUCHING = ["Added", "Changed", "Deprecated", "Fixed", "Removed", "Security"];
const EFFECT = /\(preview: [^)]+\)\.?$/;

export function sectionsOf(changelog: string): Section[] {
  return changelog
    .split(/^## /m)
    .slice(1)
    .map((text) => {
      const [head = ""] = text.split("\n");
      const found = /^\[([^\]]+)\](?: - (\S+))?/.exec(head);
      const effect = /^\*\*Preview effect:\*\* (.+)$/m.exec(text)?.[1];
      return {
        name: found?.[1] ?? head,
        ...(found?.[2] === undefined ? {} : { date: found[2] }),
        ...(effect === undefined ? {} : { effect }),
        entries: entriesOf(text),
        text: text.slice(head.length).trim(),
      };
    });
}

function entriesOf(section: string): Section["entries"] {
  return section
    .split(/^### /m)
    .slice(1)
    .flatMap((part) => {
      const [group = "", ...lines] = part.split("\n");
      // An entry goes on in lines that are indented.
      const texts = lines
        .join("\n")
        .split(/^- /m)
        .slice(1)
        .map((t) => t.replace(/\s+/g, " ").trim());
      return texts.map((text) => ({ group, text }));
    });
}

/**
 * What is wrong with a changelog.
 * @param version of package.json: the section that is being worked on, or released
 */
export function changelogProblems(changelog: string, version: string): string[] {
  const sections = sectionsOf(changelog);
  const released = sections.filter((s) => s.name !== "Unreleased");
  const first = released.at(-1);
  return [
    ...(sections[0]?.name === "Unreleased" ? [] : ["the first section must be [Unreleased]"]),
    ...(released.some((s) => s.name === version) ? [] : [`there is no section [${version}], the version of package.json`]),
    ...released.flatMap((s, i) => orderProblems(s, released[i + 1])),
    ...sections.flatMap((s) => sectionProblems(s, s === first)),
  ];
}

function sectionProblems(s: Section, first: boolean): string[] {
  const unknown = [...new Set(s.entries.map((e) => e.group))].filter((g) => !GROUPS.includes(g));
  const silent = s.entries.filter((e) => !first && TOUCHING.includes(e.group) && !EFFECT.test(e.text));
  return [
    ...(s.effect !== undefined || s.entries.length === 0 ? [] : [`[${s.name}] has no line "**Preview effect:** ..."`]),
    ...unknown.map((g) => `[${s.name}] has a group "${g}"; groups are ${GROUPS.join(", ")}`),
    ...silent.map((e) => `[${s.name}] "${e.text.slice(0, 50)}" does not end with its effect, such as (preview: none)`),
  ];
}

const numbers = (version: string): number[] => (/^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);

function orderProblems(s: Section, before: Section | undefined): string[] {
  const [is, was] = [numbers(s.name), numbers(before?.name ?? "0.0.0")];
  if (is.length === 0) return [`"${s.name}" is no version`];
  const at = is.findIndex((n, i) => n !== was[i]);
  if (at < 0 || is[at]! < was[at]!) return [`[${s.name}] must stand below [${before!.name}]`];
  const breaking = s.entries.some((e) => e.text.startsWith("**Breaking**"));
  const may = at === 0 || (was[0] === 0 && at === 1);
  return breaking && !may ? [`[${s.name}] has a breaking entry; that needs a new major version (before 1.0.0: a minor one)`] : [];
}

if (require.main === module) {
  const text = fs.readFileSync(path.resolve(__dirname, "..", "CHANGELOG.md"), "utf8");
  const section = sectionsOf(text).find((s) => s.name === process.argv[2]);
  if (section) console.log(section.text);
  else {
    console.error(`CHANGELOG.md has no section [${process.argv[2] ?? ""}]`);
    process.exitCode = 1;
  }
}
