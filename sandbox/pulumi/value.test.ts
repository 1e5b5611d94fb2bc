// SPDX-License-Identifier: Apache-2.0
// What comes over the wire and what handlers see of it.
import { expect } from "chai";
import { at, compact, decode, hasUnknown, isArchive, isAsset, same, secret, steps, UNKNOWN, type Json } from "./value";

const TAG = "4dabf18193072939515e22adb298388d";

describe("property values", () => {
  it("unwraps secrets at any depth, also a secret inside a secret", () => {
    expect(decode({ a: [secret({ b: secret("pw") })] })).to.deep.equal({ a: [{ b: "pw" }] });
  });

  it("maps every kind of unknown to one sentinel, and an output value without a value too", () => {
    const unknownList = "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2";
    const output = { [TAG]: "d0e6a833031e9bbcd3f4e8bde6ca49a4" };
    expect(decode({ a: unknownList, b: output, c: { ...output, value: 5 } })).to.deep.equal({ a: UNKNOWN, b: UNKNOWN, c: 5 });
  });

  it("keeps assets and archives with their tag, so that they go back as they came", () => {
    const asset: Json = { [TAG]: "c44067f5952c0a294b673a41bacd8c17", text: "x", hash: "1" };
    const archive: Json = { [TAG]: "0def7320c3a5731c473e5ecbe6d01bc7", assets: { f: asset } };
    const back = decode({ asset, archive }) as { asset: Json; archive: Json };
    expect(back).to.deep.equal({ asset, archive });
    expect([isAsset(back.asset), isArchive(back.archive), isAsset(back.archive)]).to.deep.equal([true, true, false]);
  });

  it("reads a resource reference as its id, and as its URN where it has no id", () => {
    const reference = { [TAG]: "5cf8f73096256a8f31e491e813e4eb8e", urn: "urn:x" };
    expect(decode([{ ...reference, id: "i" }, reference])).to.deep.equal(["i", "urn:x"]);
  });

  it("finds an unknown below lists and objects and nowhere else", () => {
    expect(hasUnknown({ a: [{ b: UNKNOWN }] })).to.equal(true);
    expect(hasUnknown({ a: [null, 0, "04da6b54"] })).to.equal(false);
  });

  it("takes quoted members and indexes in a path", () => {
    expect(steps('metadata.annotations["a.b/c"].x[2]')).to.deep.equal(["metadata", "annotations", "a.b/c", "x", "2"]);
    expect(at({ a: [{ "b.c": 1 }] }, 'a[0]["b.c"]')).to.equal(1);
    expect(at({ a: 1 }, "a.b.c")).to.equal(undefined);
  });

  it("compares without regard to the order of keys, and never a list with an object", () => {
    expect(same({ a: 1, b: [1, { c: 2 }] }, { b: [1, { c: 2 }], a: 1 })).to.equal(true);
    expect(same([], {})).to.equal(false);
    expect(same({ a: 1 }, { b: 1 })).to.equal(false);
    expect(compact({ a: undefined, b: null })).to.deep.equal({ b: null });
  });
});
