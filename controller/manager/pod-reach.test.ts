// SPDX-License-Identifier: Apache-2.0
// A chosen Pod that can never answer: the address goes to it all the same, as GKE does, and the route says why nothing comes back.
import { expect } from "chai";
import type { KubeObject } from "../api";
import { podRaw, TestWorld, type Leader } from "./testing-world";

const withSpec = (more: object): KubeObject => {
  const pod = podRaw("pod-1", 1) as KubeObject & { spec: object };
  return { ...pod, spec: { ...pod.spec, ...more } } as KubeObject;
};
const init = (value: string): object => ({ name: "persistent-ip", env: [{ name: "PERSISTENT_IPS", value }] });

describe("a Pod that cannot answer", () => {
  let l: Leader;
  const messageFor = async (spec: object): Promise<string> => {
    const w = new TestWorld().withRoute();
    w.put("pod", withSpec(spec));
    l = await w.boot();
    await l.run();
    expect(w.condition("Ready")?.status).to.equal("True");
    return w.condition("Ready")?.message ?? "";
  };
  afterEach(() => l.stop());

  it("PodCannotAnswer: is named with Ready, since nothing in it may add an address or read packets (SEED-7, SEED-74)", async () => {
    const drop = { name: "app", securityContext: { capabilities: { drop: ["ALL"] } } };
    expect(await messageFor({ containers: [drop] })).to.match(
      /^Pod pod-1: no container may add an address .*\[PodCannotAnswer\]$/,
    );
  });

  it("PodNotPrepared: names the address that its init container does not put on (SEED-57)", async () => {
    const message = await messageFor({ containers: [{ name: "app" }], initContainers: [init("34.123.10.7")] });
    expect(message).to.contain("puts on 34.123.10.7 and not 34.123.10.1");
  });

  it("says nothing of a Pod that is prepared, or that may have its own way (SEED-77, SEED-78)", async () => {
    expect(await messageFor({ containers: [{ name: "app" }], initContainers: [init("34.123.10.1 34.123.10.2")] })).to.equal("");
    await l.stop();
    expect(await messageFor({ containers: [{ name: "app" }] })).to.equal("");
  });
});
