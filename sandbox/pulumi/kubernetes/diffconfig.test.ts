// SPDX-License-Identifier: Apache-2.0
// Which change of a k8s.Provider replaces all its objects (pulumi.md 3.1).
import { expect } from "chai";
import { UNKNOWN, type Props } from "../value";
import { diffConfig } from "./diffconfig";

const kubeconfig = (server: string, token = "t"): string =>
  JSON.stringify({
    "current-context": "a",
    contexts: [
      { name: "a", context: { cluster: "c", user: "u" } },
      { name: "b", context: { cluster: "d", user: "u" } },
    ],
    clusters: [
      { name: "c", cluster: { server } },
      { name: "d", cluster: { server: "https://other" } },
    ],
    users: [{ name: "u", user: { token } }],
  });
const A = { kubeconfig: kubeconfig("https://a") };
const withId = (p: Props, clusterIdentifier = "x"): Props => ({ ...p, clusterIdentifier });
const replaces = (olds: Props, news: Props): string[] => diffConfig(olds, news).replaces;

describe("change of the kubernetes provider", () => {
  it("a kubeconfig that is unknown in the plan replaces", () => {
    expect(replaces(A, { kubeconfig: UNKNOWN })).to.deep.equal(["kubeconfig"]);
  });

  it("the same clusterIdentifier clears that, and any other replace", () => {
    expect(replaces(withId(A), withId({ kubeconfig: UNKNOWN }))).to.deep.equal([]);
    const other = diffConfig(withId(A), withId({ kubeconfig: kubeconfig("https://z"), context: "b" }));
    expect([other.replaces, other.changes.length]).to.deep.equal([[], 2]);
  });

  it("adding or dropping the identifier does not replace by itself, another one does", () => {
    expect(replaces(A, withId(A))).to.deep.equal([]);
    expect(replaces(withId(A), A)).to.deep.equal([]);
    expect(replaces(withId(A), withId(A, "y"))).to.deep.equal(["clusterIdentifier"]);
  });

  it("another active cluster replaces, another token or namespace does not", () => {
    expect(replaces(A, { kubeconfig: kubeconfig("https://b") })).to.deep.equal(["kubeconfig"]);
    expect(replaces(A, { ...A, context: "b" })).to.deep.equal(["context"]);
    expect(replaces(A, { kubeconfig: kubeconfig("https://a", "new") })).to.deep.equal([]);
    expect(replaces(A, { ...A, namespace: "n" })).to.deep.equal([]);
  });

  it("nothing changed is no difference at all", () => {
    expect(diffConfig(A, A).changes).to.deep.equal([]);
  });
});
