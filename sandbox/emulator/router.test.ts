// SPDX-License-Identifier: Apache-2.0
// Finding a method by verb and path.
import { expect } from "chai";
import type { Row } from "./env";
import { Router } from "./router";

function row(id: string, verb: Row["verb"], path: string): Row {
  return { id, verb, path, handler: () => undefined };
}

const router = new Router([
  {
    prefix: "api/v1/",
    rpc: false,
    rows: [
      row("list", "GET", "things"),
      row("get", "GET", "things/{thing}"),
      row("special", "GET", "things/special"),
      row("delete", "DELETE", "things/{thing}"),
      row("label", "POST", "things/{resource}/label"),
      row("rest", "GET", "files/{path*}"),
    ],
  },
  { prefix: "", rpc: true, rows: [row("resize", "POST", "v1/pools/{pool}:resize")] },
]);

function match(verb: string, path: string): [string | undefined, Record<string, string> | undefined] {
  const found = router.match(verb, path);
  return [found?.row.id, found?.params];
}

describe("router", () => {
  it("tells verbs apart and prefers literal segments", () => {
    expect(match("GET", "api/v1/things")).to.deep.equal(["list", {}]);
    expect(match("GET", "api/v1/things/special")[0]).to.equal("special");
    expect(match("GET", "api/v1/things/a%2Fb")[1]).to.include({ thing: "a/b" });
    expect(match("DELETE", "api/v1/things/x")[0]).to.equal("delete");
  });

  it("gives a parameter under both of its names", () => {
    expect(match("POST", "api/v1/things/x/label")[1]).to.include({ resource: "x" });
  });

  it("takes the rest of a path, and a verb after a colon", () => {
    expect(match("GET", "api/v1/files/a/b/c")).to.deep.equal(["rest", { path: "a/b/c" }]);
    expect(match("POST", "v1/pools/p:resize")).to.deep.equal(["resize", { pool: "p" }]);
  });

  it("knows nothing else", () => {
    for (const [verb, path] of [
      ["PUT", "api/v1/things"],
      ["GET", "api/v1"],
      ["GET", "api/v1/things/x/y"],
      ["POST", "v1/pools/p"],
      ["GET", ""],
    ] as const) {
      expect(router.match(verb, path), `${verb} ${path}`).to.equal(undefined);
    }
  });

  it("refuses two rows for one method", () => {
    const twice = [row("a", "GET", "x/{y}"), row("b", "GET", "x/{z}")];
    expect(() => new Router([{ prefix: "", rpc: false, rows: twice }])).to.throw("two rows for GET");
  });
});
