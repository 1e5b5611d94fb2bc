// SPDX-License-Identifier: Apache-2.0
// What the SDK reads while a large component is built, and what a reader of an error sees.
import { expect } from "chai";
import { withPlainStacks } from "./stacks";

const V8 = Error as unknown as { prepareStackTrace?: unknown };

describe("plain stacks", () => {
  const before = V8.prepareStackTrace;
  afterEach(() => {
    V8.prepareStackTrace = before;
  });

  it("are formatted without source maps inside, and with them again afterwards, whatever happens inside", () => {
    let formatted = 0;
    const mapped = (error: Error): string => `mapped ${++formatted} ${error.message}`;
    V8.prepareStackTrace = mapped;
    expect(withPlainStacks(() => new Error("x").stack)).to.match(/^Error: x\n {4}at /);
    expect(formatted).to.equal(0);
    expect(V8.prepareStackTrace).to.equal(mapped);
    expect(() =>
      withPlainStacks(() => {
        throw new Error("y");
      }),
    ).to.throw("y");
    expect(V8.prepareStackTrace).to.equal(mapped);
  });

  it("leave an error that comes out as mapped as any other: its stack is formatted when it is read", () => {
    V8.prepareStackTrace = (error: Error) => `mapped ${error.message}`;
    let thrown: unknown;
    try {
      withPlainStacks(() => {
        throw new Error("from inside");
      });
    } catch (error) {
      thrown = error;
    }
    expect((thrown as Error).stack).to.equal("mapped from inside");
  });
});
