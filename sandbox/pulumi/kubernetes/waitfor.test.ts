// SPDX-License-Identifier: Apache-2.0
// The annotations pulumi.com/waitFor, skipAwait and timeoutSeconds (pulumi.md 3.1).
import { expect } from "chai";
import type { Props } from "../value";
import { testFor, timeoutSeconds } from "./waitfor";
import { pauses } from "./waiting";

const asked = (annotations: Props): Props => ({ metadata: { annotations } });
const waitFor = (text: string) => testFor(asked({ "pulumi.com/waitFor": text }));
const accepted = (status: string, more: Props = {}): Props => ({
  metadata: { generation: 2 },
  status: { conditions: [{ type: "Accepted", status, reason: "NoPods", message: "none" }], ...more },
});

describe("pulumi.com/waitFor", () => {
  it("condition=Type waits for True; False is no failure, it waits on and says why", () => {
    expect(waitFor("condition=Accepted")(accepted("True")).ready).to.equal(true);
    const verdict = waitFor("condition=Accepted")(accepted("False"));
    expect(verdict).to.deep.equal({ ready: false, why: "condition Accepted is False (NoPods: none), waiting for True" });
    expect(waitFor("condition=Ready")(accepted("True")).why).to.equal("condition Ready is not there yet, waiting for True");
  });

  it("condition=Type=Status waits for that status", () => {
    expect(waitFor("condition=Accepted=False")(accepted("False")).ready).to.equal(true);
    expect(waitFor("condition=Accepted=Unknown")(accepted("True")).ready).to.equal(false);
  });

  it("jsonpath waits for existence or for a value, and not on what an old generation says", () => {
    const live = accepted("True", { phase: "Up", observedGeneration: 2 });
    expect(waitFor("jsonpath={.status.phase}")(live).ready).to.equal(true);
    expect(waitFor("jsonpath={.status.phase}=Up")(live).ready).to.equal(true);
    expect(waitFor('jsonpath={.status.conditions[?(@.type=="Accepted")].status}=True')(live).ready).to.equal(true);
    expect(waitFor("jsonpath={.status.phase}=Down")(live).why).to.equal("{.status.phase} is Up, waiting for Down");
    expect(waitFor("jsonpath={.status.phase}=Up")(accepted("True", { phase: "Up", observedGeneration: 1 })).ready).to.equal(
      false,
    );
  });

  it("an array needs all of its members", () => {
    const both = waitFor('["condition=Accepted", "jsonpath={.status.phase}"]');
    expect(both(accepted("True")).why).to.equal("{.status.phase} is not there yet");
    expect(both(accepted("True", { phase: "x" })).ready).to.equal(true);
  });

  it("refuses anything else, naming the annotation, the value and the forms", () => {
    expect(() => waitFor("ready")).to.throw(
      'metadata.annotations["pulumi.com/waitFor"]: "ready" is not "condition=Type[=Status]"',
    );
    expect(() => waitFor("[]")).to.throw('"[]" is not');
    expect(() => waitFor("jsonpath={.a[x]}")).to.throw('"[x]" is not understood');
  });

  it("replaces the built-in rule, and skipAwait beats both", () => {
    const stuck = { apiVersion: "apps/v1", kind: "Deployment", metadata: { generation: 1 }, status: {} };
    expect(testFor({})(stuck).ready).to.equal(false);
    expect(waitFor("jsonpath={.kind}=Deployment")(stuck).ready).to.equal(true);
    const both = asked({ "pulumi.com/skipAwait": "true", "pulumi.com/waitFor": "condition=Never" });
    expect(testFor(both)(stuck).ready).to.equal(true);
  });

  it("waits ten minutes, or as the annotation says, or as customTimeouts say above all", () => {
    const inputs = asked({ "pulumi.com/timeoutSeconds": "30" });
    expect([timeoutSeconds({}, 0), timeoutSeconds(inputs, 0), timeoutSeconds(inputs, 5)]).to.deep.equal([600, 30, 5]);
  });

  it("polls with pauses that add up to the timeout and never exceed a second", () => {
    for (const seconds of [1, 7, 600]) {
      const all = [...pauses(seconds)];
      expect(all.at(-1)).to.equal(undefined);
      const ms = all.slice(0, -1).map(Number);
      expect(Math.max(...ms)).to.be.at.most(1000);
      expect(Math.round(ms.reduce((a, b) => a + b, 0))).to.equal(seconds * 1000);
    }
  });
});
