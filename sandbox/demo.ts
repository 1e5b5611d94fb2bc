// SPDX-License-Identifier: Apache-2.0
// The demonstration: a Pulumi program provisions everything, the controller picks a Pod, the Pod dies, the address moves.
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AddressBinding, GKEIPRoute, Holder, Move } from "../controller/api";
import { table, type Display } from "./display";
import type { PacketReport } from "./packets/report";
import { runPulumi } from "./pulumi";
import type { World } from "./world/world";

export const ROOT = path.resolve(__dirname, "..");
export interface Row {
  address: string;
  route: string;
  pod: string;
  node: string;
  conditions: string;
}
export interface MoveReport {
  address: string;
  from: string;
  to: string;
  cause: string;
  phases: Record<string, number>;
  seenMs: number;
}
export interface DemoReport {
  preview?: Record<string, number>;
  update?: Record<string, number>;
  secondPreview?: string;
  addresses?: Row[];
  move?: MoveReport;
  packets?: PacketReport;
}
/** A stack of the quickstart in the sandbox's own backend. */
export interface Stack {
  name: string;
  remove(): void;
  pulumi(args: string[], onLine?: (line: string) => void): Promise<string>;
}

/** What the quickstart is told here; on Google Cloud a user sets the same with `pulumi config set`. */
const CONFIG: Record<string, string> = {
  "gke-persistent-ip:crds": "Install",
  "gke-persistent-ip:gkeClasses": "IfAbsent",
  "gke-persistent-ip:externalAddresses[0]": "34.123.10.1",
  "gke-persistent-ip:externalAddresses[1]": "34.123.10.2",
};

/** @param config more values, or other ones, for `pulumi config set` */
export async function createStack(world: World, config: Record<string, string> = {}): Promise<Stack> {
  const name = `sandbox-${randomBytes(3).toString("hex")}`;
  const pulumi = async (args: string[], onLine?: (line: string) => void): Promise<string> => {
    const result = await runPulumi(world.engine, [...args, "--non-interactive"], {
      cwd: ROOT,
      env: { PULUMI_STACK: name },
      ...(onLine ? { onLine } : {}),
    });
    if (result.code !== 0)
      throw new Error(`pulumi ${args[0] ?? ""} ended with code ${result.code}:\n${tail(result.stdout + result.stderr, 60)}`);
    return result.stdout;
  };
  await pulumi(["stack", "init", name]);
  const values = { ...CONFIG, ...config, "gcp:project": world.project, "gke-persistent-ip:region": world.region };
  await pulumi(["config", "set-all", "--path", ...Object.entries(values).flatMap(([k, v]) => ["--plaintext", `${k}=${v}`])]);
  return { name, pulumi, remove: () => rmSync(path.join(ROOT, `Pulumi.${name}.yaml`), { force: true }) };
}

const tail = (text: string, lines: number): string => text.trimEnd().split("\n").slice(-lines).join("\n");

/** `+ 40 to create` and the like, from the summary that Pulumi prints. */
export function changes(output: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [, count, what] of output.matchAll(
    /^\s+(?:[-+~±]+\s*)?(\d+) (?:to )?(create|created|update|updated|delete|deleted|replace|replaced|unchanged)\b/gm,
  ))
    found[what!.replace(/d$/, what === "unchanged" ? "d" : "")] = Number(count);
  return found;
}
export const describeChanges = (c: Record<string, number>): string =>
  Object.entries(c)
    .map(([k, v]) => `${v} ${k}`)
    .join(", ") || "no change";

const ROUTES = "/apis/networking.gke.io/v1/gkeiproutes";
const BINDINGS = "/apis/gke-persistent-ip.dev/v1alpha1/addressbindings";
const listOf = async <T>(world: World, url: string): Promise<T[]> =>
  (await world.cluster().controlPlane.admin.request<{ items: T[] }>("GET", url)).items;

export async function addressRows(world: World): Promise<Row[]> {
  const routes = await listOf<GKEIPRoute>(world, ROUTES);
  const bindings = await listOf<AddressBinding>(world, BINDINGS);
  return bindings
    .map((b): Row => {
      const { namespace, name } = b.spec.route;
      const route = routes.find((r) => r.metadata.namespace === namespace && r.metadata.name === name);
      const said = route?.status?.conditions ?? [];
      const conditions = ["Accepted", "GCPReady", "DPV2Ready", "Ready"]
        .map((t) => `${t}=${said.find((c) => c.type === t)?.status ?? "?"}`)
        .join(" ");
      return {
        address: b.spec.address,
        route: `${namespace}/${name}`,
        pod: b.status?.holder?.pod ?? "-",
        node: b.status?.holder?.node ?? "-",
        conditions,
      };
    })
    .sort((a, b) => (a.address < b.address ? -1 : 1));
}

/** Waits until every route is Ready. @throws Error with the routes that are not */
export async function untilReady(world: World, timeoutMs: number): Promise<Row[]> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const routes = await listOf<GKEIPRoute>(world, ROUTES);
    const bad = routes.filter((r) => r.status?.conditions?.find((c) => c.type === "Ready")?.status !== "True");
    if (routes.length > 0 && bad.length === 0) return addressRows(world);
    if (Date.now() > deadline) {
      const why = bad.map(
        (r) =>
          `${r.metadata.namespace}/${r.metadata.name}: ${r.status?.conditions?.map((c) => `${c.type}=${c.status}/${c.reason} ${c.message}`).join("; ") ?? "no status"}`,
      );
      throw new Error(`not Ready after ${timeoutMs / 1000} s:\n${why.join("\n") || "there are no routes"}`);
    }
    await sleep(200);
  }
}

/** Waits until nothing has moved for a second. @throws Error when it does not come to rest */
export async function untilQuiet(world: World, timeoutMs: number): Promise<Row[]> {
  const deadline = Date.now() + timeoutMs;
  for (let before = ""; ;) {
    const rows = await untilReady(world, timeoutMs);
    if (JSON.stringify(rows) === before) return rows;
    if (Date.now() > deadline) throw new Error(`addresses keep moving: ${JSON.stringify(rows)}`);
    before = JSON.stringify(rows);
    await sleep(1_000);
  }
}

export async function bindingOf(world: World, address: string): Promise<AddressBinding> {
  const found = (await listOf<AddressBinding>(world, BINDINGS)).find((b) => b.spec.address === address);
  if (!found) throw new Error(`no AddressBinding for ${address}`);
  return found;
}
const nameOf = (h: Holder | undefined): string => (h ? `${h.pod} (${h.node})` : "-");

type Before = { generation: number; podUID: string };
function finishedMove({ status }: AddressBinding, before: Before): { holder: Holder; move: Move } | undefined {
  const { phase, holder, lastMove: move } = status ?? {};
  if (phase !== "Held" || !holder || !move) return undefined;
  return holder.podUID !== before.podUID && move.generation > before.generation ? { holder, move } : undefined;
}

/** The first finished move after `before`, once another Pod holds the address. @throws Error after a minute */
async function moveAfter(world: World, address: string, before: Before): Promise<{ holder: Holder; move: Move }> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const binding = await bindingOf(world, address);
    const done = finishedMove(binding, before);
    if (done) return done;
    if (Date.now() > deadline) throw new Error(`${address} did not move within 60 s: ${JSON.stringify(binding.status)}`);
    await sleep(50);
  }
}

/** Kills the Pod that holds the address and waits until another one has it and its route is Ready again. */
export async function killHolder(world: World, address: string): Promise<MoveReport> {
  const { spec, status } = await bindingOf(world, address);
  const from = status?.holder;
  if (!from) throw new Error(`${address} has no holder`);
  const started = Date.now();
  await world.cluster().controlPlane.admin.request("DELETE", `/api/v1/namespaces/${spec.route.namespace}/pods/${from.pod}`);
  const { holder, move } = await moveAfter(world, address, { generation: status.generation ?? 0, podUID: from.podUID });
  await untilReady(world, 30_000);
  return {
    address,
    from: nameOf(from),
    to: nameOf(holder),
    cause: move.cause,
    phases: { ...move.durations },
    seenMs: Date.now() - started,
  };
}

/** `pulumi up`. */
export async function update(stack: Stack, display: Display, report: DemoReport): Promise<void> {
  const up = await display.step(
    "pulumi up",
    (p) => stack.pulumi(["up", "--yes", "--skip-preview"], (line) => p.update(line.trim().slice(0, 70))),
    (out) => describeChanges(changes(out)),
  );
  report.update = changes(up);
}

/** Waits until every route is Ready and shows the addresses. */
export async function showReady(world: World, display: Display, report: DemoReport): Promise<void> {
  report.addresses = await display.step("every route Ready", () => untilReady(world, 90_000));
  display.say(indent(addressTable(report.addresses)));
}

/** Every step of the demonstration, in order; fills the report as it goes, so that a failure leaves what was reached. */
export async function demonstrate(world: World, stack: Stack, display: Display, report: DemoReport): Promise<void> {
  const first = await display.step(
    "pulumi preview (nothing exists yet)",
    () => stack.pulumi(["preview"]),
    (out) => describeChanges(changes(out)),
  );
  report.preview = changes(first);
  display.say(indent(readable(first)));
  await update(stack, display, report);
  await showReady(world, display, report);
  const rows = report.addresses ?? [];
  const victim = rows.find((r) => r.address.startsWith("34.")) ?? rows[0]!;
  report.move = await display.step(
    `kill Pod ${victim.pod}, which holds ${victim.address}`,
    () => killHolder(world, victim.address),
    (m) => `moved to ${m.to}`,
  );
  display.say(indent(moveText(report.move)));
  report.addresses = await display.step("the replacement is newer and takes over in its turn", () => untilQuiet(world, 30_000));
  display.say(indent(addressTable(report.addresses)));
  await display.step(
    "pulumi preview again: no changes",
    () => stack.pulumi(["preview", "--expect-no-changes"]),
    (out) => describeChanges(changes(out)),
  );
  report.secondPreview = "no changes";
}

/** What Pulumi prints without a terminal, less its progress dots. */
const readable = (text: string): string =>
  text
    .split("\n")
    .filter((l) => !/^@ |^Previewing update/.test(l))
    .join("\n")
    .replace(/\n{2,}/g, "\n")
    .trim();
const indent = (text: string): string => `${text.trimEnd().replace(/^(?=.)/gm, "    ")}\n`;
const addressTable = (rows: readonly Row[]): string =>
  table(
    ["ADDRESS", "ROUTE", "POD", "NODE", "CONDITIONS"],
    rows.map((r) => [r.address, r.route, r.pod, r.node, r.conditions]),
  );
const moveText = (m: MoveReport): string =>
  `${m.address}: ${m.from} -> ${m.to}\ncause ${m.cause}; ${Object.entries(m.phases)
    .map(([k, v]) => `${k} ${v} ms`)
    .join(", ")}; ${m.seenMs} ms from the kill to Ready`;
