// SPDX-License-Identifier: Apache-2.0
// Which kind of nodes a machine gets, and what its user is told.
import { expect } from "chai";
import { possibleNodes, type Checks } from "./possible";

const checks = (kubelets: string[], namespaces: string[], inside = false): Checks => ({
  inside: () => inside,
  kubelets: () => Promise.resolve(kubelets),
  namespaces: () => Promise.resolve(namespaces),
});
const NO_ROOT = "real nodes need root";

describe("nodes for real packets", () => {
  it("have kubelets where nothing is missing, unless namespaces are asked for", async () => {
    expect(await possibleNodes("auto", checks([], []))).to.deep.equal({ nodes: "kubelets", lines: [] });
    expect((await possibleNodes("namespaces", checks([], []))).nodes).to.equal("namespaces");
  });

  it("are namespaces without root, and the user hears why", async () => {
    const { nodes, lines } = await possibleNodes("kubelets", checks([NO_ROOT], []));
    expect(nodes).to.equal("namespaces");
    expect(lines[0]).to.equal("no kubelets here. Missing: real nodes need root.");
    // No package would help.
    expect(lines.join("\n")).to.not.contain("apt-get");
  });

  it("are simulated without user namespaces, and the user hears both reasons and what to install", async () => {
    const { nodes, lines } = await possibleNodes("auto", checks([NO_ROOT], ["nft (Debian package nftables)"]));
    expect(nodes).to.equal(undefined);
    expect(lines).to.deep.equal([
      "no kubelets here. Missing: real nodes need root.",
      "no real packets here, nodes are simulated. Missing: nft (Debian package nftables).",
      "On Debian, as root: apt-get install iproute2 nftables busybox-static",
    ]);
  });

  it("are namespaces for the process that runs inside of them, which looks like root to itself", async () => {
    expect(await possibleNodes("auto", checks([], [], true))).to.deep.equal({ nodes: "namespaces", lines: [] });
  });
});
