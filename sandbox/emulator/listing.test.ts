// SPDX-License-Identifier: Apache-2.0
// Paging, ordering and partial responses.
import { expect } from "chai";
import { ApiError } from "./errors";
import { applyFields } from "./fields";
import { page } from "./listing";

function item(name: string, at = "2026-01-01") {
  return { name, id: `id-${name}`, creationTimestamp: at };
}

describe("list pages", () => {
  it("give every item once, in order, whatever the page size", () => {
    const all = Array.from({ length: 23 }, (_unused, index) => item(`n${String(index).padStart(2, "0")}`)).reverse();
    for (const size of [1, 2, 7, 22, 23, 24]) {
      const seen: string[] = [];
      let token: string | undefined;
      do {
        const got = page(all, { maxResults: String(size), ...(token ? { pageToken: token } : {}) });
        expect(got.items.length).to.be.at.most(size);
        seen.push(...got.items.map((one) => one.name));
        token = got.nextPageToken;
      } while (token !== undefined);
      expect(seen, `page size ${size}`).to.deep.equal(all.map((one) => one.name).reverse());
    }
  });

  it("stay right while items come and go between two pages", () => {
    const first = page([item("a"), item("b"), item("c"), item("d")], { maxResults: "2" });
    const second = page([item("b"), item("c"), item("cc"), item("d")], { maxResults: "9", pageToken: first.nextPageToken ?? "" });
    expect(second.items.map((one) => one.name)).to.deep.equal(["c", "cc", "d"]);
    expect(second).to.not.have.property("nextPageToken");
  });

  it("order by creation time, newest first", () => {
    const got = page([item("a", "2026-01-01"), item("b", "2026-01-03"), item("c", "2026-01-02")], {
      orderBy: "creationTimestamp desc",
    });
    expect(got.items.map((one) => one.name)).to.deep.equal(["b", "c", "a"]);
  });

  for (const [name, value] of [
    ["maxResults", "501"],
    ["maxResults", "-1"],
    ["pageToken", "nonsense"],
    ["orderBy", "size"],
  ] as const) {
    it(`refuse ${name}=${value} by name`, () =>
      expect(() => page([], { [name]: value })).to.throw(ApiError, `'${name}': '${value}'`));
  }
});

describe("partial responses", () => {
  const value = { kind: "k", items: [{ name: "a", id: "1", nested: { x: 1, y: 2 } }], nextPageToken: "t" };

  it("keep what the mask names", () => {
    expect(applyFields(value, "items(name,nested/x),nextPageToken")).to.deep.equal({
      items: [{ name: "a", nested: { x: 1 } }],
      nextPageToken: "t",
    });
    expect(applyFields(value, "items/name")).to.deep.equal({ items: [{ name: "a" }] });
    expect(applyFields(value, "*")).to.deep.equal(value);
    expect(applyFields(value, undefined)).to.equal(value);
  });

  it("refuse a mask that cannot be read", () => {
    for (const mask of ["items(", "items)", "(", "a,,b"])
      expect(() => applyFields(value, mask), mask).to.throw(ApiError, "fields");
  });
});
