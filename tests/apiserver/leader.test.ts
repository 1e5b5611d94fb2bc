// SPDX-License-Identifier: Apache-2.0
// Two electors and one Lease on a real API server, with client-go's own figures.
import { expect } from "chai";
import {
  type ApiClient,
  createApiClient,
  LeaderElector,
  type LeaderElectorOptions,
  systemClock,
} from "../../controller/kubernetes";
import { sharedApiServer, type TestApiServer } from "../support/apiserver";
import { eventually, newNamespace, Road } from "./world";

describe("leader election on a real API server", function () {
  this.timeout(60_000);
  let server: TestApiServer;
  let namespace: string;
  const electors: LeaderElector[] = [];

  before(async function () {
    server = await sharedApiServer(this);
  });

  beforeEach(async () => {
    namespace = await newNamespace(server.client());
  });

  afterEach(async () => {
    await Promise.all(electors.splice(0).map((elector) => elector.stop()));
  });

  function elector(
    identity: string,
    client: ApiClient,
    more: Partial<LeaderElectorOptions> = {},
  ): { elector: LeaderElector; calls: string[] } {
    const calls: string[] = [];
    const made = new LeaderElector({
      client,
      namespace,
      name: "controller",
      identity,
      clock: systemClock,
      random: Math.random,
      onStartedLeading: () => void calls.push("started"),
      onStoppedLeading: (why) => void calls.push(why),
      ...more,
    });
    electors.push(made);
    made.start();
    return { elector: made, calls };
  }

  it("F5: lets one of two lead, and hands over in less than 3 s when it stops", async () => {
    const one = elector("one", server.client());
    const two = elector("two", server.client());
    await eventually("somebody leads", () => one.elector.isLeaderNow() || two.elector.isLeaderNow());
    await systemClock.sleep(3_000);
    expect([one, two].filter((each) => each.elector.isLeaderNow())).to.have.length(1);
    const [leader, other] = one.elector.isLeaderNow() ? [one, two] : [two, one];
    const before = performance.now();
    await leader.elector.stop();
    expect(leader.calls).to.deep.equal(["started", "released"]);
    await eventually("the other leads", () => other.elector.isLeaderNow());
    const tookMs = Math.round(performance.now() - before);
    console.log(`      hand-over after ${tookMs} ms`);
    expect(tookMs).to.be.lessThan(3_000);
  });

  it("takes over from a leader that was cut off, which has stopped by itself before that", async () => {
    const road = await Road.to(server.server);
    const behind = createApiClient({ server: road.server, caPem: server.caPem, token: server.adminToken });
    const silent = elector("silent", behind);
    await eventually("the first leads", () => silent.elector.isLeaderNow());
    const other = elector("other", server.client());
    let both = false;
    let stoppedAt = 0;
    await systemClock.sleep(2_500);
    const cutAt = performance.now();
    road.cut();
    await eventually(
      "the other leads",
      () => {
        both ||= silent.elector.isLeaderNow() && other.elector.isLeaderNow();
        if (stoppedAt === 0 && !silent.elector.isLeaderNow()) stoppedAt = performance.now();
        return other.elector.isLeaderNow();
      },
      25_000,
    );
    const tookMs = Math.round(performance.now() - cutAt);
    console.log(`      silent leader stopped after ${Math.round(stoppedAt - cutAt)} ms, taken over after ${tookMs} ms`);
    expect(both).to.equal(false);
    expect(silent.calls).to.deep.equal(["started", "lost"]);
    expect(stoppedAt - cutAt).to.be.within(7_000, 10_500);
    expect(tookMs).to.be.within(12_000, 19_000);
    await behind.close();
    await road.close();
  });

  it("writes what kubectl and other controllers expect of a Lease", async () => {
    const client = server.client();
    const one = elector("one", client);
    await eventually("it leads", () => one.elector.isLeaderNow());
    const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/controller`;
    const lease = await client.request<{ spec: Record<string, unknown> }>("GET", path);
    expect(lease.spec).to.include({ holderIdentity: "one", leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(lease.spec).to.have.property("acquireTime").that.equals(lease.spec["renewTime"]);
    await one.elector.stop();
    expect((await client.request<{ spec: object }>("GET", path)).spec).to.include({
      holderIdentity: "",
      leaseDurationSeconds: 1,
    });
  });
});
