// SPDX-License-Identifier: Apache-2.0
// The two pure rooms stay pure: what they import, what they never touch, and that no decision changes its input or depends on the moment.
import { expect } from "chai";
import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { accept, dutyOf, gatewayStatus, judgeGateway, moveCause, noPodsMessage, select } from "./index";
import { deepFreeze, gatewayOf, podOf, routeOf, world } from "./testing";
import type { Holder } from "../api";

const rooms = { api: path.resolve(__dirname, "../api"), core: __dirname };
const sources = (room: string): { name: string; text: string }[] =>
  readdirSync(room)
    .filter((f) => f.endsWith(".ts") && !f.endsWith(".test.ts"))
    .map((name) => ({ name, text: readFileSync(path.join(room, name), "utf8") }));
const importsOf = (text: string): string[] => [...text.matchAll(/(?:from|import|require)\s*\(?\s*"([^"]+)"/g)].map((m) => m[1]!);

describe("The pure rooms", () => {
  it("api imports only itself, and node:crypto for hashes", () => {
    expect(sources(rooms.api).length).to.be.greaterThan(10);
    for (const { name, text } of sources(rooms.api))
      for (const from of importsOf(text)) expect(from, name).to.match(/^(\.\/[a-z0-9-]+|node:crypto)$/);
  });

  it("core imports only itself and the door of api", () => {
    expect(sources(rooms.core).length).to.be.greaterThan(10);
    for (const { name, text } of sources(rooms.core))
      for (const from of importsOf(text)) expect(from, name).to.match(/^(\.\/[a-z0-9-]+|\.\.\/api)$/);
  });

  it("neither reads a clock, draws a number, or touches the process", () => {
    const impure =
      /Date\.now|new Date\(\)|performance\.|Math\.random|randomUUID|randomBytes|process\.|setTimeout|setInterval|\bfetch\(|console\./;
    for (const room of Object.values(rooms)) for (const { name, text } of sources(room)) expect(text, name).to.not.match(impure);
  });
});

describe("Decisions", () => {
  const build = (): Parameters<typeof world>[0] => ({
    routes: [
      routeOf(),
      routeOf({ metadata: { name: "late", creationTimestamp: "2026-03-01T00:00:00Z" } }),
      routeOf({ metadata: { name: "bad" }, spec: { podSelector: {} } }),
    ],
    gateways: [gatewayOf(), gatewayOf({ metadata: { name: "b", creationTimestamp: "2026-03-01T00:00:00Z" } })],
    pods: [podOf("b", 2), podOf("a", 1), podOf("c", 3, { ready: false })],
    facts: { "34.123.10.1": { usable: true } },
  });
  const holder: Holder = { pod: "a", podUID: "uid-a", node: "node-1", zone: "z", instance: "vm" };
  const decide = (input: Parameters<typeof world>[0]): unknown => {
    const w = world(input);
    return (input!.routes ?? [])
      .map((route) => {
        const selection = select(w, route, { name: "blue-network", type: "L3" });
        return [
          accept(w, route),
          dutyOf(w, route, true),
          selection,
          noPodsMessage(route, selection.verdicts),
          moveCause(w, route, holder, undefined),
        ];
      })
      .concat((input!.gateways ?? []).map((g) => [judgeGateway(w, g), gatewayStatus(w, g)] as never));
  };

  it("work on a world that nobody can change, and say the same twice (DESIGN 4)", () => {
    const frozen = deepFreeze(build());
    const first = decide(frozen);
    expect(decide(frozen)).to.deep.equal(first);
    expect(frozen).to.deep.equal(build());
  });

  it("say the same of an equal world with its lists turned round", () => {
    const turned = build()!;
    const straight = decide(build()) as unknown[];
    const again = decide({ ...turned, gateways: turned.gateways, pods: [...turned.pods!].reverse() }) as unknown[];
    expect(again).to.deep.equal(straight);
  });
});
