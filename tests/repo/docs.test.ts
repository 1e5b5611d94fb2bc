// SPDX-License-Identifier: Apache-2.0
// Pages that list what the source defines are compared with the source, so that neither can go on without the other.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { FINDING_CODES, GATEWAY_REASONS, MOVE_CAUSES, PHASES, ROUTE_REASONS } from "../../controller/api";
import { COMPUTE_ERROR_CODES } from "../../controller/compute/errors";
import { VERDICTS } from "../../controller/core";
import { Metrics } from "../../controller/manager/metrics";

const ROOT = path.resolve(__dirname, "../..");
const read = (file: string): string => readFileSync(path.join(ROOT, file), "utf8");
const sources = (folder: string): string =>
  readdirSync(path.join(ROOT, folder))
    .filter((f) => f.endsWith(".ts") && !f.endsWith(".test.ts"))
    .map((f) => read(`${folder}/${f}`))
    .join("\n");

/** Rows of the first table below a heading, as cells. */
function rows(page: string, heading: string): string[][] {
  const start = page.indexOf(`\n## ${heading}`);
  if (start < 0) throw new Error(`no heading "## ${heading}"`);
  const section = page.slice(start + 1).split(/\n## /)[0]!;
  return section
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split("|")
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
}
const codes = (page: string, heading: string): string[] => rows(page, heading).map(([first]) => first!.replaceAll("`", ""));

describe("docs/reasons.md", () => {
  const page = read("docs/reasons.md");
  const tables: [heading: string, wanted: readonly string[]][] = [
    ["Routes: reasons", ROUTE_REASONS],
    ["Gateways: reasons", GATEWAY_REASONS],
    ["Verdicts", VERDICTS],
    ["Causes of a move", MOVE_CAUSES],
    ["Phases of a hand-over", PHASES],
    ["Findings of the contract", FINDING_CODES],
    ["Codes of the Compute client", COMPUTE_ERROR_CODES],
  ];
  for (const [heading, wanted] of tables)
    it(`lists under "${heading}" exactly what the source defines`, () => {
      expect(codes(page, heading)).to.have.members([...wanted]);
    });

  it("lists exactly the codes that only components have", () => {
    const union = /export type ComponentCode =([^;]+);/.exec(sources("components"))![1]!;
    const wanted = [...union.matchAll(/"(\w+)"/g)].map((m) => m[1]!);
    expect(wanted.length).to.be.greaterThan(3);
    expect(codes(page, "Findings of the components only")).to.have.members(wanted);
  });

  it("lists the reasons of listeners that the source writes", () => {
    const source = read("controller/core/gateway-status.ts");
    const body = source.slice(source.indexOf("function listenerStatus"), source.indexOf("interface ListenerAt"));
    const written = [...body.matchAll(/\["(\w+)", "(\w+)"\]/g)].flatMap((m) => [m[1]!, m[2]!]);
    const accepted = [...body.matchAll(/said\("(\w+)"/g)].map((m) => m[1]!);
    expect(new Set(codes(page, "Listeners"))).to.deep.equal(new Set(written));
    expect(accepted).to.not.deep.equal([]);
  });

  it("names only Events that the controller sends", () => {
    const source = sources("controller/manager");
    for (const reason of codes(page, "Events")) expect(source, reason).to.include(`"${reason}"`);
  });

  it("has something to say about each", () => {
    for (const [heading] of tables)
      for (const cells of rows(page, heading)) expect(cells.filter((c) => c !== "").length, cells[0]).to.be.greaterThan(1);
  });
});

describe("docs/metrics.md", () => {
  it("lists exactly the metrics of the controller, with their types and labels", async () => {
    const registered = await new Metrics().registry.getMetricsAsJSON();
    const instances = new Metrics().registry.getMetricsAsArray() as unknown as { name: string; labelNames?: string[] }[];
    const wanted = registered.map((m) => {
      const labels = instances.find((i) => i.name === m.name)!.labelNames ?? [];
      return [m.name, String(m.type), labels.filter((l) => l !== "le").join(", ")].join(" | ");
    });
    const page = read("docs/metrics.md");
    const said = rows(page, "All metrics").map(([name, type, labels]) =>
      [name, type, labels].map((c) => c!.replaceAll("`", "")).join(" | "),
    );
    expect(said).to.have.members(wanted);
  });
});

describe("links of the documents", () => {
  const pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
    .concat(readdirSync(path.join(ROOT, "docs"), { recursive: true, encoding: "utf8" }).map((f) => `docs/${f}`))
    .filter((f) => f.endsWith(".md") && existsSync(path.join(ROOT, f)));
  const anchor = (heading: string): string =>
    heading
      .toLowerCase()
      .replaceAll("`", "")
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .trim()
      .replaceAll(" ", "-");

  const headings = (file: string): string[] => [...readFileSync(file, "utf8").matchAll(/^#+ (.+)$/gm)].map((m) => anchor(m[1]!));
  function leadsSomewhere(page: string, target: string): boolean {
    if (/^[a-z]+:/.test(target)) return true;
    const [file = "", hash] = target.split("#");
    const full = path.join(ROOT, file === "" ? page : path.join(path.dirname(page), file));
    return existsSync(full) && (hash === undefined || headings(full).includes(hash));
  }

  it("lead to files and headings that exist", () => {
    const links = pages.flatMap((page) =>
      [
        ...read(page)
          .replace(/```[\s\S]*?```/g, "")
          .matchAll(/\]\(([^)\s]+)\)/g),
      ].map((m) => [page, m[1]!] as const),
    );
    expect(links.length).to.be.greaterThan(5);
    expect(links.filter(([page, target]) => !leadsSomewhere(page, target))).to.deep.equal([]);
  });

  it("name no path of one machine and no registry host", () => {
    for (const page of pages)
      expect(read(page), page).to.not.match(/\/root\/|\/home\/\w+\/|registry\.npmjs|proxy\.golang|localhost:\d/);
  });

  it("give each decision record a number of its own", () => {
    const numbers = readdirSync(path.join(ROOT, "docs/adr")).map((f) => /^(\d{4})-/.exec(f)?.[1] ?? f);
    expect(numbers).to.deep.equal([...new Set(numbers)]);
  });
});
