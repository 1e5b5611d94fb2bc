// SPDX-License-Identifier: Apache-2.0
// Drift by hand shows, the server's own spelling does not.
import { expect } from "chai";
import { refreshedInputs } from "./refresh";

describe("inputs after a refresh", () => {
  const inputs = { spec: { cpu: "1000m", replicas: 2, list: [{ name: "a", image: "x" }] }, data: { a: "1" } };
  const state = {
    spec: { cpu: "1", replicas: 2, list: [{ name: "a", image: "x", policy: "Always" }], added: 1 },
    data: { a: "1" },
    status: 1,
  };

  it("are the same when nothing moved, although the server writes values its own way", () => {
    expect(refreshedInputs(inputs, state, { ...state, status: 2 })).to.deep.equal(inputs);
  });

  it("show a value that was changed by hand, and leave its neighbours alone", () => {
    const live = { ...state, spec: { ...state.spec, replicas: 5 } };
    expect(refreshedInputs(inputs, state, live)).to.deep.equal({ ...inputs, spec: { ...inputs.spec, replicas: 5 } });
  });

  it("lose a field that was removed by hand", () => {
    expect(refreshedInputs(inputs, state, { ...state, data: {} })).to.deep.equal({ ...inputs, data: {} });
  });

  it("take over a change inside a list element without the server's additions", () => {
    const live = { ...state, spec: { ...state.spec, list: [{ name: "a", image: "y", policy: "Always" }] } };
    expect(refreshedInputs(inputs, state, live)).to.deep.equal({
      ...inputs,
      spec: { ...inputs.spec, list: [{ name: "a", image: "y" }] },
    });
  });

  it("take a list of another length whole, cut to the members that we set", () => {
    const more = [...state.spec.list, { name: "b", image: "z", policy: "Always" }];
    const live = { ...state, spec: { ...state.spec, list: more } };
    const list = [
      { name: "a", image: "x" },
      { name: "b", image: "z" },
    ];
    expect(refreshedInputs(inputs, state, live)).to.deep.equal({ ...inputs, spec: { ...inputs.spec, list } });
  });

  it("keep an input that the server never shows, such as stringData of a Secret", () => {
    const secret = { stringData: { pw: "x" } };
    expect(refreshedInputs(secret, { data: { pw: "eA==" } }, { data: { pw: "eQ==" } })).to.deep.equal(secret);
  });
});
