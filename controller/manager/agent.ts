// SPDX-License-Identifier: Apache-2.0
// The API server's side of the node agent: watches the journals, this node and its Pods, hands the agent its wish, and writes its answers.
// Until everything was listed once the agent is asked for nothing, and while the API server is away the last wish stays: nothing is added.
import { isDefaultNetwork, KINDS, type AddressBinding, type KubeObject } from "../api";
import { createApiClient, Reflector, type ClientConfig, type Clock, type Logger } from "../kubernetes";
import type { AddressStatus, Intent, NetworkIntent } from "../node";
import { IntentMaker, localNode, localPod, type LocalNode, type LocalPod } from "./agent-intent";
import { Reporter } from "./agent-report";
import { lean } from "./views";

export interface AgentSourceOptions {
  kubernetes: ClientConfig;
  node: string;
  /** Networks as configured; they win over what the node's annotations say. */
  networks: readonly NetworkIntent[];
  clock: Clock;
  logger: Logger;
  want(intent: Intent): void;
}
export interface AgentSource {
  report(statuses: readonly AddressStatus[]): void;
  /** True once everything was listed. */
  ready(): boolean;
  stop(): Promise<void>;
}
/** Time limits of duties pass by themselves, without an event. */
const RECHECK_MS = 5_000;

export function startAgentSource(o: AgentSourceOptions): AgentSource {
  const { clock, logger, node } = o;
  const client = createApiClient(o.kubernetes);
  const common = { client, clock, random: Math.random, logger };
  const maker = new IntentMaker();
  let last = "";
  let pending = false;

  const reflector = <T extends KubeObject>(
    kind: (typeof KINDS)["binding" | "pod" | "node"],
    transform: (raw: KubeObject) => T,
    fieldSelector?: string,
  ): Reflector<T> =>
    new Reflector<T>({ ...common, kind, transform, onEvent: () => soon(), ...(fieldSelector ? { fieldSelector } : {}) });
  const bindings = reflector<AddressBinding>(KINDS.binding, lean);
  const pods = reflector<LocalPod>(KINDS.pod, localPod, `spec.nodeName=${node}`);
  const nodes = reflector<LocalNode>(KINDS.node, localNode, `metadata.name=${node}`);
  const all = [bindings, pods, nodes];
  const reporter = new Reporter({ client, node, clock, logger, binding: (name) => bindings.store.get(name) });
  const ready = (): boolean => all.every((r) => r.hasSynced());

  /** Events that come together make one wish. */
  const soon = (): void => {
    if (pending) return;
    pending = true;
    queueMicrotask(() => {
      pending = false;
      think();
    });
  };
  const think = (): void => {
    if (!ready()) return;
    const facts = {
      node,
      bindings: bindings.store.list(),
      pod: (key: string) => pods.store.get(key),
      local: nodes.store.get(node),
      networks: o.networks,
    };
    const intent = maker.make(facts, clock.monotonic());
    const text = JSON.stringify(intent);
    if (text === last) return;
    last = text;
    o.want(intent);
  };
  const report = (statuses: readonly AddressStatus[]): void => {
    const mine = new Map(statuses.map((s) => [`${s.address} ${s.network}`, s]));
    for (const b of bindings.store.list()) {
      const { network = "" } = b.spec;
      const status = mine.get(`${b.spec.address} ${isDefaultNetwork(network) ? "default" : network}`);
      const said = b.status?.nodes?.some((n) => n.node === node) === true;
      if (status || said) reporter.say(b.metadata.name, status);
    }
  };
  let timer = clock.setTimeout(again, RECHECK_MS);
  function again(): void {
    think();
    timer = clock.setTimeout(again, RECHECK_MS);
  }
  for (const r of all) r.start();
  logger.info({ node }, "agent watches");
  return {
    report,
    ready,
    async stop() {
      timer.cancel();
      reporter.stop();
      await Promise.all(all.map((r) => r.stop()));
      await client.close();
    },
  };
}
