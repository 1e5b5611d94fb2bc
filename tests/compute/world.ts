// SPDX-License-Identifier: Apache-2.0
// A small project in the emulator (VMs, networks, reserved addresses) and a fabric that works in it.
import { dashed, forwardingRuleName, ruleLabels, targetInstanceName } from "../../controller/api/names";
import { createFabric } from "../../controller/compute";
import type { CallRecord, ComputeConfig, Deps, Fabric, Fence, RuleSpec, TargetSpec } from "../../controller/compute";
import { schemasMissing, validateAll } from "../emulator/validator";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../sandbox/emulator";

export const REGION = "us-central1";
export const ZONE = "us-central1-a";
export const UID = "0f1e2d3c-cluster";
export const openFence: Fence = { check: () => undefined };

export interface World {
  emulator: Emulator;
  fabric: Fabric;
  calls: CallRecord[];
  /** Another process of ours, with nothing in memory: what a restarted controller has. */
  restarted(config?: Partial<ComputeConfig>): Fabric;
  /** One REST call as a user or another tool would make it; waits for its operation. */
  rest(method: string, path: string, body?: object): Promise<Record<string, unknown>>;
  reserve(name: string, address: string, more?: object): Promise<void>;
  target(instance: string, vpc?: string): TargetSpec;
  rule(address: string, addressName: string, targetName: string, more?: Partial<RuleSpec>): RuleSpec;
  /** Compute methods of the log since `from`, mutations and reads, without `compute.`. */
  methods(from?: number): string[];
  /** Stops it. @throws when any exchange of the test does not fit Google's schema (where that is at hand) */
  close(): Promise<void>;
}

/** Starts it with nodes n1, n2, n3 in ZONE. Sleeps of the fabric are cut to 20 ms and the rest is jumped over. */
export async function startWorld(options: EmulatorOptions = {}, config: Partial<ComputeConfig> = {}): Promise<World> {
  const emulator = await startEmulator({ operationLatencyMs: 15, ...options });
  const { project } = emulator;
  for (const name of ["n1", "n2", "n3"]) emulator.putInstance({ name, zone: ZONE });
  const calls: CallRecord[] = [];
  const make = (more: Partial<ComputeConfig> = {}): Fabric =>
    createFabric(
      {
        project,
        region: REGION,
        clusterUid: UID,
        auth: "none",
        rootUrl: emulator.url,
        ratesPerMinute: { read: 60_000, write: 60_000 },
        ...config,
        ...more,
      },
      deps(calls),
    );
  const rest = restOf(emulator);
  return {
    emulator,
    calls,
    fabric: make(),
    restarted: make,
    rest,
    reserve: async (name, address, more = {}) => {
      await rest("POST", `projects/${project}/regions/${REGION}/addresses`, { name, address, ...more });
    },
    target: (instance, vpc) => ({
      name: targetInstanceName(UID, ZONE, instance, vpc),
      zone: ZONE,
      instance,
      vpc,
      description: `node ${instance}`,
    }),
    rule: (address, addressName, targetName, more = {}) => ({
      name: forwardingRuleName(UID, dashed(address)),
      address,
      addressName,
      scope: "External",
      targetPath: `projects/${project}/zones/${ZONE}/targetInstances/${targetName}`,
      labels: ruleLabels(UID, address),
      description: `address ${address}`,
      ...more,
    }),
    methods: (from = 0) => emulator.log.slice(from).map((exchange) => exchange.methodId.replace(/^compute\./, "")),
    close: async () => {
      await emulator.close();
      const problems = schemasMissing() ? [] : validateAll(emulator.log);
      if (problems.length > 0) throw new Error(`not as Google's schema wants it:\n${[...new Set(problems)].join("\n")}`);
    },
  };
}

function deps(calls: CallRecord[]): Deps {
  let skipped = 0;
  return {
    clock: {
      now: () => Date.now(),
      monotonic: () => performance.now() + skipped,
      sleep: (ms) => {
        skipped += ms;
        return new Promise((resolve) => setTimeout(resolve, Math.min(ms, 20)));
      },
    },
    random: Math.random,
    uuid: () => crypto.randomUUID(),
    onCall: (call) => calls.push(call),
  };
}

function restOf(emulator: Emulator): World["rest"] {
  const send = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${emulator.url}compute/v1/${path}`, {
      method,
      ...(body ? { body: JSON.stringify(body), headers: { "content-type": "application/json" } } : {}),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  return async (method, path, body) => {
    const answer = await send(method, path, body);
    if (answer.kind !== "compute#operation" || answer.status === "DONE") return answer;
    const scope = String(answer.selfLink).split("/compute/v1/")[1] ?? "";
    return send("POST", `${scope}/wait`);
  };
}
