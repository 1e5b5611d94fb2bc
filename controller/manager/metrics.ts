// SPDX-License-Identifier: Apache-2.0
// Prometheus metrics: controller-runtime's names, so that existing dashboards work, and ours for moves (docs/metrics.md).
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Move } from "../api";
import type { WorkQueueMetrics } from "../kubernetes";

const NAME = "persistent-ip";
const SECONDS = [0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export class Metrics {
  readonly registry = new Registry();
  private readonly on = { registers: [this.registry] };

  readonly reconciles = new Counter({
    name: "controller_runtime_reconcile_total",
    help: "Reconciles by result",
    labelNames: ["controller", "result"],
    ...this.on,
  });
  readonly reconcileErrors = new Counter({
    name: "controller_runtime_reconcile_errors_total",
    help: "Reconciles that failed",
    labelNames: ["controller"],
    ...this.on,
  });
  readonly reconcileTime = new Histogram({
    name: "controller_runtime_reconcile_time_seconds",
    help: "Length of a reconcile",
    labelNames: ["controller"],
    buckets: SECONDS,
    ...this.on,
  });
  readonly requests = new Counter({
    name: "rest_client_requests_total",
    help: "Requests to the API server",
    labelNames: ["code", "method", "host"],
    ...this.on,
  });
  readonly leader = new Gauge({
    name: "leader_election_master_status",
    help: "1 while this process leads",
    labelNames: ["name"],
    ...this.on,
  });
  readonly moves = new Counter({
    name: "persistent_ip_moves_total",
    help: "Finished moves by cause",
    labelNames: ["cause"],
    ...this.on,
  });
  readonly moveTime = new Histogram({
    name: "persistent_ip_move_seconds",
    help: "Length of a finished move by cause and phase",
    labelNames: ["cause", "phase"],
    buckets: SECONDS,
    ...this.on,
  });
  readonly repairs = new Counter({
    name: "persistent_ip_drift_repairs_total",
    help: "Forwarding rules put right after somebody changed them",
    ...this.on,
  });
  readonly computeCalls = new Counter({
    name: "persistent_ip_compute_requests_total",
    help: "Requests to the Compute API by method and code",
    labelNames: ["method", "code"],
    ...this.on,
  });
  readonly computeTime = new Histogram({
    name: "persistent_ip_compute_request_seconds",
    help: "Length of a Compute request",
    labelNames: ["method"],
    buckets: SECONDS,
    ...this.on,
  });
  readonly staleness = new Gauge({
    name: "persistent_ip_watch_staleness_seconds",
    help: "Seconds since the quietest watch said something",
    ...this.on,
  });
  readonly orphans = new Gauge({
    name: "persistent_ip_orphan_rules",
    help: "Forwarding rules of ours that no claim stands behind",
    ...this.on,
  });
  readonly secondWriters = new Gauge({
    name: "persistent_ip_second_writer_routes",
    help: "Routes that stand still because another controller writes their status too",
    ...this.on,
  });
  readonly holding = new Gauge({
    name: "persistent_ip_holding",
    help: "1 while nothing moves because the news is bad, by cause",
    labelNames: ["cause"],
    ...this.on,
  });
  readonly routes = new Gauge({
    name: "persistent_ip_routes",
    help: "Routes of ours by their condition Ready",
    labelNames: ["ready"],
    ...this.on,
  });

  private readonly queueDepth = new Gauge({ name: "workqueue_depth", help: "Keys that wait", labelNames: ["name"], ...this.on });
  private readonly queueAdds = new Counter({
    name: "workqueue_adds_total",
    help: "Keys added",
    labelNames: ["name"],
    ...this.on,
  });
  private readonly queueRetries = new Counter({
    name: "workqueue_retries_total",
    help: "Keys added again after a failure",
    labelNames: ["name"],
    ...this.on,
  });
  private readonly queueTime = new Histogram({
    name: "workqueue_queue_duration_seconds",
    help: "How long a key waits",
    labelNames: ["name"],
    buckets: SECONDS,
    ...this.on,
  });
  private readonly workTime = new Histogram({
    name: "workqueue_work_duration_seconds",
    help: "How long a key is worked on",
    labelNames: ["name"],
    buckets: SECONDS,
    ...this.on,
  });
  readonly unfinished = new Gauge({
    name: "workqueue_unfinished_work_seconds",
    help: "Seconds of work under way",
    labelNames: ["name"],
    ...this.on,
  });
  readonly longest = new Gauge({
    name: "workqueue_longest_running_processor_seconds",
    help: "Longest work under way",
    labelNames: ["name"],
    ...this.on,
  });

  readonly queue: WorkQueueMetrics = {
    depth: (n) => this.queueDepth.set({ name: NAME }, n),
    added: () => this.queueAdds.inc({ name: NAME }),
    retried: () => this.queueRetries.inc({ name: NAME }),
    queueDuration: (s) => this.queueTime.observe({ name: NAME }, s),
    workDuration: (s) => this.workTime.observe({ name: NAME }, s),
  };

  /** @param durations milliseconds by phase */
  moved(cause: string, durations: Move["durations"]): void {
    this.moves.inc({ cause });
    for (const [phase, ms] of Object.entries(durations))
      if (typeof ms === "number") this.moveTime.observe({ cause, phase }, ms / 1000);
  }
  reconciled(controller: string, result: "success" | "requeue_after" | "error", seconds: number): void {
    this.reconciles.inc({ controller, result });
    if (result === "error") this.reconcileErrors.inc({ controller });
    this.reconcileTime.observe({ controller }, seconds);
  }
}
