// SPDX-License-Identifier: Apache-2.0
// The helper for Pods: what it adds, what it leaves alone, what it refuses. Whether packets then flow is shown in tests/kubelets.
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { ADDRESSES_VARIABLE } from "../controller/api";
import { INIT_NAME, INIT_SCRIPT, persistentIpPodSpec, type PersistentIpPodArgs } from "./podSpec";

interface Container {
  name: string;
  image: string;
  env: { name: string; value: unknown }[];
  lifecycle?: object;
  securityContext?: { capabilities: object; runAsNonRoot: boolean };
}
interface Spec {
  containers: Container[];
  initContainers?: Container[];
  terminationGracePeriodSeconds?: number;
  hostNetwork?: boolean;
}

const app = (more: Partial<Container> = {}): Spec => ({ containers: [{ name: "app", image: "app:1", env: [], ...more }] });
const made = (spec: Spec, more: Partial<PersistentIpPodArgs> = {}): Required<Spec> =>
  persistentIpPodSpec(spec as never, { addresses: ["34.123.10.1", "34.123.10.2/32"], ...more });

describe("persistentIpPodSpec", () => {
  it("puts one init container in front, with NET_ADMIN and nothing else (SEED-74, SEED-76)", () => {
    const before = { ...app(), initContainers: [{ name: "own", image: "x", env: [] }] };
    const [first, second] = made(before).initContainers;
    expect(first?.name).to.equal(INIT_NAME);
    expect(second?.name).to.equal("own");
    expect(first?.securityContext?.capabilities).to.deep.equal({ drop: ["ALL"], add: ["NET_ADMIN"] });
    expect(before.initContainers, "the given spec is not changed").to.have.length(1);
  });

  it("tells the addresses to every container, bare, and leaves its own variables alone (SEED-24)", () => {
    const spec = made(app({ env: [{ name: "A", value: "1" }] }));
    const wanted = { name: ADDRESSES_VARIABLE, value: "34.123.10.1 34.123.10.2" };
    expect(spec.containers[0]?.env).to.deep.equal([{ name: "A", value: "1" }, wanted]);
    expect(spec.initContainers[0]?.env).to.deep.include(wanted);
  });

  it("takes addresses that are not known yet, such as those of a component", async () => {
    const spec = made(app(), { addresses: [pulumi.output("34.123.10.1"), "34.123.10.2"] });
    const value = spec.containers[0]?.env[0]?.value as pulumi.Output<string>;
    expect(await new Promise((done) => value.apply(done))).to.equal("34.123.10.1 34.123.10.2");
  });

  it("lets a Pod that ends go on serving for a while, unless it has a hook of its own", () => {
    const hook = { preStop: { exec: { command: ["true"] } } };
    expect(made(app()).containers[0]?.lifecycle).to.deep.equal({ preStop: { sleep: { seconds: 10 } } });
    expect(made(app({ lifecycle: hook })).containers[0]?.lifecycle).to.equal(hook);
    expect(made(app(), { drainSeconds: 0 }).containers[0]).to.not.have.property("lifecycle");
  });

  it("never makes the grace period shorter than the pause", () => {
    const grace = (said: number | undefined, drain: number): number =>
      made({ ...app(), ...(said === undefined ? {} : { terminationGracePeriodSeconds: said }) }, { drainSeconds: drain })
        .terminationGracePeriodSeconds;
    expect([grace(undefined, 10), grace(2, 10), grace(60, 10), grace(undefined, 40)]).to.deep.equal([30, 15, 60, 45]);
  });

  it("refuses every wrong argument at once, and a Pod that could never receive a packet", () => {
    const wrong = (): unknown =>
      made(
        { ...app(), hostNetwork: true },
        { addresses: ["fd00::1", "10.0.0.9", "10.0.0.9"], interface: "eth 1", table: 254, drainSeconds: -1 },
      );
    expect(wrong)
      .to.throw(/IPv6.*\[InvalidAddress\][^]*twice \[DuplicateAddress\][^]*interface[^]*table[^]*drainSeconds[^]*hostNetwork/)
      .with.property("errors")
      .with.length(6);
    expect(() => made(app(), { addresses: [] })).to.throw("name every address that the Pod may ever hold");
    expect(() => made(made(app()))).to.throw("there is one named persistent-ip already");
  });

  it("has a script without anything that only bash knows", () => {
    expect(INIT_SCRIPT).to.not.match(/\[\[|<<<|function |source /);
    expect(INIT_SCRIPT).to.contain(`for address in $${ADDRESSES_VARIABLE}`);
  });
});
