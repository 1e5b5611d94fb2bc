// SPDX-License-Identifier: Apache-2.0
// What happened during a move, on one axis of time: the journal of an address, the Pods, what each node's kernel was told, where the fabric sent
// the address, and which packets were lost. Printed where a move loses what it must not, so that the cause need not be guessed.
import { KINDS, type AddressBinding, type Holder, type KubeObject } from "../../controller/api";
import { Reflector, silentLogger, systemClock } from "../../controller/kubernetes";
import type { Gap } from "../../sandbox/vpc";
import type { Lab, Pod } from "./world";

interface Line {
  at: number;
  text: string;
}
export interface Timeline {
  /** Everything since the start in the order of time, one line each, milliseconds since the first of them in front. */
  end(gaps: readonly Gap[]): Promise<string>;
  /** Watches nothing any more; a watch that goes on keeps the process from ending. */
  stop(): Promise<void>;
}

const AGENT = "persistent-ip-agent";
const CONTROLLER = "persistent-ip-controller";
const SYSTEM = "persistent-ip-system";

/** Begins to write down. @param address whose journal; @param namespace whose Pods */
export function startTimeline(lab: Lab, address: string, namespace: string): Timeline {
  const started = Date.now();
  const lines: Line[] = [];
  const note = (text: string): void => void lines.push({ at: Date.now(), text });
  const common = { client: lab.client, clock: systemClock, random: Math.random, logger: silentLogger };
  const bindings = new Reflector<AddressBinding>({
    ...{ ...common, kind: KINDS.binding },
    transform: (raw) => raw as AddressBinding,
    onEvent: ({ object }) => {
      if (object.spec.address === address) note(`journal  ${journal(object)}`);
    },
  });
  const pods = new Reflector<KubeObject & Pod>({
    ...{ ...common, kind: KINDS.pod, namespace },
    transform: (raw) => raw as KubeObject & Pod,
    onEvent: ({ type, object }) => note(`pod      ${type} ${podLine(object)}`),
  });
  bindings.start();
  pods.start();
  const stop = async (): Promise<void> => void (await Promise.all([bindings.stop(), pods.stop()]));
  return {
    stop,
    async end(gaps) {
      await stop();
      const switches = (lab.world.fabric?.switches ?? []).filter((s) => s.address === address && s.at >= started);
      const all = [
        ...lines,
        ...switches.map(({ at, from, to }) => ({ at, text: `fabric   ${from?.vm ?? "-"} -> ${to?.vm ?? "-"}` })),
        ...gaps.flatMap(gapLines),
        ...(await kernelLines(lab, address, started)),
        ...(await controllerLines(lab, started)),
      ].sort((a, b) => a.at - b.at);
      const distinct = all.filter((line, i) => line.text !== all[i - 1]?.text);
      return distinct.map(({ at, text }) => `${String(at - started).padStart(7)} ${text}`).join("\n");
    },
  };
}

const who = (h: Holder | undefined): string => (h ? `${h.pod}@${h.node}` : "-");
function journal({ status }: AddressBinding): string {
  const nodes = (status?.nodes ?? []).map((n) => `${n.node}:${n.generation}${n.programmed ? "+" : "-"}${n.pod ?? ""}`);
  return `g${status?.generation ?? 0} ${status?.phase ?? "-"} holder ${who(status?.holder)} next ${who(status?.next)} nodes ${nodes.join(" ")}`;
}
function podLine({ metadata, spec, status }: Pod): string {
  const ready = status?.conditions?.find((c) => c.type === "Ready")?.status ?? "-";
  return `${metadata.name}@${spec.nodeName ?? "-"} ready ${ready}${metadata.deletionTimestamp ? " deleting" : ""}`;
}
const gapLines = ({ first, last, from, to, before, after }: Gap): Line[] => [
  { at: from, text: `LOST     ${first} to ${last} (${last - first + 1}), ${to - from} ms; before: ${before}, after: ${after}` },
];

/** What the agents told their kernels about the address, from their logs of level debug. */
const kernelLines = (lab: Lab, address: string, since: number): Promise<Line[]> =>
  logLines(lab, { app: AGENT, since }, (line, node) => kernelLine(line, node, address));

/** What the controller said of its decisions and of what failed. */
const controllerLines = (lab: Lab, since: number): Promise<Line[]> =>
  logLines(lab, { app: CONTROLLER, since }, (line) => {
    if (!line.startsWith("{")) return [];
    const { time, msg, ...fields } = JSON.parse(line) as { time: string; msg: string };
    return [{ at: Date.parse(time), text: `control  ${msg} ${JSON.stringify(fields).slice(0, 300)}` }];
  });

type Source = { app: string; since: number };
async function logLines(lab: Lab, { app, since }: Source, of: (line: string, node: string) => Line[]): Promise<Line[]> {
  const list = await lab.client.request<{ items: Pod[] }>("GET", `/api/v1/namespaces/${SYSTEM}/pods`, {
    query: { labelSelector: `app.kubernetes.io/name=${app}` },
  });
  const found = await Promise.all(
    list.items.map(async ({ metadata, spec }) => {
      const from = `--since-time=${new Date(since).toISOString()}`;
      const text = await lab.kubectl(["logs", "-n", SYSTEM, metadata.name, from]).catch(() => "");
      return text.split("\n").flatMap((line) => of(line, spec.nodeName ?? "?"));
    }),
  );
  return found.flat().filter((line) => line.at >= since);
}
function kernelLine(text: string, node: string, address: string): Line[] {
  if (!text.startsWith("{")) return [];
  const said = JSON.parse(text) as { time: string; msg: string; lines?: string[] | number };
  const mine = Array.isArray(said.lines) ? said.lines.filter((l) => l.includes(address)) : [];
  return mine.map((line) => ({ at: Date.parse(said.time), text: `kernel   ${node}: ${line}` }));
}
