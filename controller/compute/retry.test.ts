// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import fc from "fast-check";
import { COMPUTE_ERROR_CODES, ComputeError, type ComputeErrorCode } from "./errors";
import { DEFAULT_POLICY, pauseBefore, withRetry } from "./retry";

const error = (code: ComputeErrorCode, retryAfter?: number, retry?: boolean) =>
  new ComputeError({ code, method: "m", message: code, retryAfterMs: retryAfter, retry });
const half = () => 0.5;

describe("compute retry", () => {
  const tried = new Set<ComputeErrorCode>(["RateLimited", "ConcurrentOperations", "Unavailable", "Network"]);
  for (const code of COMPUTE_ERROR_CODES)
    it(`${tried.has(code) ? "tries again" : "hands over at once"} after ${code} (E50)`, () => {
      expect(pauseBefore(DEFAULT_POLICY, error(code), 1, half) !== undefined).to.equal(tried.has(code));
    });

  it("never pauses less than Retry-After, never more than the cap, and gives up after its attempts", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.nat(30_000),
        (times, chance, after) => {
          const pause = pauseBefore(DEFAULT_POLICY, error("Unavailable", after), times, () => chance);
          expect(pause).to.be.at.least(after).and.at.most(DEFAULT_POLICY.capMs);
        },
      ),
    );
    expect(pauseBefore(DEFAULT_POLICY, error("Unavailable"), DEFAULT_POLICY.attempts, half)).to.equal(undefined);
  });

  it("hands a Retry-After beyond the cap to the caller instead of sitting it out", () => {
    expect(pauseBefore(DEFAULT_POLICY, error("RateLimited", 31_000), 1, half)).to.equal(undefined);
  });

  it("tries a refused token once more, at once, and only once", () => {
    expect(pauseBefore(DEFAULT_POLICY, error("PermissionDenied", undefined, true), 1, half)).to.equal(0);
    expect(pauseBefore(DEFAULT_POLICY, error("PermissionDenied", undefined, true), 2, half)).to.equal(undefined);
  });

  it("grows its pauses and throws the last error", async () => {
    const slept: number[] = [];
    const clock = { sleep: (ms: number) => (slept.push(ms), Promise.resolve()) };
    const run = withRetry({ clock, random: () => 0.999999, policy: DEFAULT_POLICY }, () => Promise.reject(error("Unavailable")));
    const caught: unknown = await run.catch((each: unknown) => each);
    expect(caught).to.be.instanceOf(ComputeError);
    expect(slept.map(Math.round)).to.deep.equal([300, 600, 1200, 2400]);
  });

  it("does not touch an error that is not a ComputeError", async () => {
    const bug = new TypeError("bug");
    const run = withRetry({ clock: { sleep: () => Promise.resolve() }, random: half, policy: DEFAULT_POLICY }, () =>
      Promise.reject(bug),
    );
    expect(await run.catch((each: unknown) => each)).to.equal(bug);
  });
});
