// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import fc from "fast-check";
import { Deque } from "./deque";
import { keyOf, refOf, resourcePath, type ResourceKind } from "./resources";
import { Store } from "./store";

interface Pod {
  metadata: { namespace?: string; name: string };
  nodes: string[];
}

const pod = (name: string, ...nodes: string[]): Pod => ({ metadata: { namespace: "ns", name }, nodes });
const byNode = { node: (p: Pod) => p.nodes };

describe("store", () => {
  it("finds objects by key and by index, and moves them between index values", () => {
    const store = new Store<Pod>(byNode);
    expect(store.set(pod("a", "n1"))).to.equal(undefined);
    expect(store.set(pod("b", "n1", "n2"))).to.equal(undefined);
    expect(store.byIndex("node", "n1").map((p) => p.metadata.name)).to.deep.equal(["a", "b"]);
    expect(store.set(pod("a", "n2"))?.nodes).to.deep.equal(["n1"]);
    expect(store.byIndex("node", "n1").map((p) => p.metadata.name)).to.deep.equal(["b"]);
    expect(store.delete("ns/b")?.metadata.name).to.equal("b");
    expect(store.delete("ns/b")).to.equal(undefined);
    expect(store.byIndex("node", "n1")).to.deep.equal([]);
    expect([store.size, store.keys(), store.get("ns/a")?.nodes]).to.deep.equal([1, ["ns/a"], ["n2"]]);
  });

  it("names an index that does not exist, and those that do", () => {
    expect(() => new Store<Pod>(byNode).byIndex("zone", "z")).to.throw(
      RangeError,
      'index "zone" does not exist; there are: node',
    );
  });

  it("changes nothing when an indexer throws", () => {
    const store = new Store<Pod>({
      ...byNode,
      picky: (p) => {
        if (p.nodes.includes("bad")) throw new Error("bad");
        return [];
      },
    });
    store.set(pod("a", "n1"));
    expect(() => store.set(pod("a", "bad"))).to.throw("bad");
    expect(store.get("ns/a")?.nodes).to.deep.equal(["n1"]);
    expect(store.byIndex("node", "bad")).to.deep.equal([]);
  });

  it("agrees with a scan of all objects after any history", () => {
    const names = fc.constantFrom("a", "b", "c");
    const nodes = fc.uniqueArray(fc.constantFrom("n1", "n2", "n3"));
    fc.assert(
      fc.property(fc.array(fc.tuple(names, fc.option(nodes))), (history) => {
        const store = new Store<Pod>(byNode);
        for (const [name, on] of history) on === null ? store.delete(`ns/${name}`) : store.set(pod(name, ...on));
        for (const node of ["n1", "n2", "n3"]) {
          const scan = store.list().filter((p) => p.nodes.includes(node));
          expect(store.byIndex("node", node)).to.have.members(scan).and.have.length(scan.length);
        }
      }),
    );
  });
});

describe("deque", () => {
  it("gives back what it got, in order, across its compaction", () => {
    const deque = new Deque<number>();
    let expected = 0;
    for (let i = 0; i < 5000; i++) {
      deque.push(i);
      if (i % 3 !== 0) expect(deque.shift()).to.equal(expected++);
    }
    while (deque.length > 0) expect(deque.shift()).to.equal(expected++);
    expect([expected, deque.shift()]).to.deep.equal([5000, undefined]);
  });
});

describe("resource paths", () => {
  const pods: ResourceKind = { group: "", version: "v1", plural: "pods", kind: "Pod", namespaced: true };
  const classes: ResourceKind = {
    group: "gateway.networking.k8s.io",
    version: "v1",
    plural: "gatewayclasses",
    kind: "GatewayClass",
    namespaced: false,
  };
  const table: [string, string][] = [
    [resourcePath(pods), "/api/v1/pods"],
    [resourcePath(pods, "ns"), "/api/v1/namespaces/ns/pods"],
    [resourcePath(pods, "ns", "p", "status"), "/api/v1/namespaces/ns/pods/p/status"],
    [resourcePath(classes), "/apis/gateway.networking.k8s.io/v1/gatewayclasses"],
    [resourcePath(classes, undefined, "a:b/c"), "/apis/gateway.networking.k8s.io/v1/gatewayclasses/a%3Ab%2Fc"],
    [resourcePath(classes, "ignored", "c"), "/apis/gateway.networking.k8s.io/v1/gatewayclasses/c"],
  ];
  for (const [path, expected] of table) it(`makes ${expected}`, () => expect(path).to.equal(expected));

  it("refuses a name without its namespace, and a sub-resource without a name", () => {
    expect(() => resourcePath(pods, undefined, "p")).to.throw(RangeError, 'Pod "p": namespace is missing');
    expect(() => resourcePath(pods, "ns", undefined, "status")).to.throw(RangeError, 'subresource "status" needs a name');
  });

  it("goes from objects to keys and back", () => {
    expect(keyOf({ metadata: { namespace: "ns", name: "a" } })).to.equal("ns/a");
    expect(keyOf({ name: "cluster" })).to.equal("cluster");
    expect([refOf("ns/a"), refOf("cluster")]).to.deep.equal([{ namespace: "ns", name: "a" }, { name: "cluster" }]);
  });
});
