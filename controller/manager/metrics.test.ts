// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { Metrics } from "./metrics";

describe("Metrics", () => {
  it("have controller-runtime's and client-go's names, so that dashboards written for them work", async () => {
    const names = (await new Metrics().registry.getMetricsAsJSON()).map((m) => m.name);
    expect(names).to.include.members([
      "controller_runtime_reconcile_total",
      "controller_runtime_reconcile_errors_total",
      "controller_runtime_reconcile_time_seconds",
      "workqueue_depth",
      "workqueue_adds_total",
      "workqueue_retries_total",
      "workqueue_queue_duration_seconds",
      "workqueue_work_duration_seconds",
      "workqueue_unfinished_work_seconds",
      "workqueue_longest_running_processor_seconds",
      "rest_client_requests_total",
      "leader_election_master_status",
    ]);
  });
  it("keep two controllers in one process apart", async () => {
    const [a, b] = [new Metrics(), new Metrics()];
    a.repairs.inc();
    expect((await b.repairs.get()).values[0]?.value).to.equal(0);
  });
  it("count a move by cause, and its length in seconds by phase", async () => {
    const m = new Metrics();
    m.moved("NewerPod", { prepare: 1_500, switch: 500, total: 2_000 });
    expect((await m.moves.get()).values).to.deep.equal([{ labels: { cause: "NewerPod" }, value: 1 }]);
    const sums = (await m.moveTime.get()).values.filter((v) => v.metricName?.endsWith("_sum"));
    expect(sums.map((s) => [s.labels.phase, s.value])).to.have.deep.members([
      ["prepare", 1.5],
      ["switch", 0.5],
      ["total", 2],
    ]);
  });
  it("count reconciles by result, and errors apart", async () => {
    const m = new Metrics();
    m.reconciled("route", "success", 0.1);
    m.reconciled("route", "error", 0.1);
    expect((await m.reconciles.get()).values.map((v) => [v.labels.result, v.value])).to.deep.equal([
      ["success", 1],
      ["error", 1],
    ]);
    expect((await m.reconcileErrors.get()).values[0]?.value).to.equal(1);
  });
});
