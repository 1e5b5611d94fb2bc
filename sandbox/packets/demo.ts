// SPDX-License-Identifier: Apache-2.0
// The demonstration with real packets: a client outside reaches the address in the Pod, the Pod answers and speaks first with it, and a stream
// of UDP counts what each kind of move loses.
import { setTimeout as sleep } from "node:timers/promises";
import { bindingOf, showReady, untilQuiet, update, type DemoReport, type Stack } from "../demo";
import { table, type Display } from "../display";
import { startTraffic, type Traffic } from "../vpc";
import type { World } from "../world/world";
import { installAgent } from "./agent";
import { boundOf, PLANNED_LOSS, SANDBOX_SETTINGS, type Loss } from "./bound";
import { deletePod, drain, podTroubles, rollOut, uncordon, untilWhole } from "./cluster-acts";
import { ECHO_PORTS, untilReached, type Reach } from "./probe";
import { figures, MOVE_HEAD, moveRow, type PacketMove, type PacketReport } from "./report";

const ADDRESS = "34.123.10.1";
const NAMESPACE = "proxy";
const DEPLOYMENT = "proxy";
const PPS = 1000;
const BEFORE_MS = 1_000;
const PLANNED_MS = 120_000;

interface Course {
  world: World;
  traffic: Traffic;
  display: Display;
  report: PacketReport;
}

/** Every step, in order; fills the report as it goes. @throws Error when a step fails or a planned move lost packets */
export async function demonstratePackets(world: World, stack: Stack, display: Display, report: DemoReport): Promise<void> {
  const up = async (): Promise<void> => {
    await update(stack, display, report);
    if (world.datapath === "linux")
      await display.step("node agent on every node", () => installAgent(world.cluster().controlPlane.admin));
    await showReady(world, display, report);
  };
  await up().catch(async (error: unknown) => {
    const troubles = await podTroubles(world.cluster().controlPlane.admin).catch(() => []);
    throw new Error([error instanceof Error ? error.message : String(error), ...troubles].join("\n"), { cause: error });
  });
  const packets: PacketReport = { datapath: world.datapath ?? "-", nodes: world.nodes ?? "-", address: ADDRESS, moves: [] };
  report.packets = packets;
  const { fabric } = world;
  if (!fabric) throw new Error("packets are not real in this world");
  const traffic = await startTraffic(fabric.client, world.dir);
  try {
    await run({ world, traffic, display, report: packets });
    packets.spoofed = await fabric.spoofed();
  } finally {
    await traffic.close();
  }
}

async function run(c: Course): Promise<void> {
  const { display, report, traffic } = c;
  report.reach = await display.step(
    `TCP, UDP and ICMP from the client to ${ADDRESS} and back`,
    () => untilReached(traffic, ADDRESS, 30_000),
    ({ pod, ways }) => `Pod ${pod}: ${Object.keys(ways).join(", ")}`,
  );
  await traffic.start(ADDRESS, ECHO_PORTS, PPS);
  await planned(c, "rollout of the Deployment", () => rollOut(admin(c), NAMESPACE, DEPLOYMENT, PLANNED_MS));
  await planned(c, "drain of the node", async () => {
    const node = await nodeOfHolder(c);
    await drain(admin(c), node, PLANNED_MS);
    await uncordon(admin(c), node);
  });
  await unplanned(c, "Pod killed", "podKilled", async (pod) => deletePod(admin(c), NAMESPACE, pod, true));
  await atRest(c); // the Pod that came for the killed one is the newest, and takes over in its turn
  const dead = await nodeOfHolder(c);
  await unplanned(c, "node dead", "nodeDead", () => c.world.cluster().nodes.crash(dead));
  await display.step("the node comes back", () => c.world.cluster().nodes.restore(dead));
  report.afterDelete = await display.step("Pod deleted: the new one has the address", () => afterDelete(c));
  await traffic.stop();
  display.say(`\n${table(MOVE_HEAD, report.moves.map(moveRow))}\n`);
  // Google's agent breaks before it makes; only ours can promise that a planned move loses nothing.
  const promised = c.world.datapath === "linux";
  const bad = report.moves.filter((m) => (m.kind === "planned" ? promised && m.lost > PLANNED_LOSS : m.withinBound === false));
  if (bad.length > 0) throw new Error(`packets lost where none may be: ${bad.map((m) => moveRow(m).join(", ")).join("; ")}`);
}

const admin = (c: Course) => c.world.cluster().controlPlane.admin;

async function holderOf(c: Course): Promise<{ pod: string; node: string }> {
  const { status } = await bindingOf(c.world, ADDRESS);
  return { pod: status?.holder?.pod ?? "-", node: status?.holder?.node ?? "-" };
}
const nodeOfHolder = async (c: Course): Promise<string> => (await holderOf(c)).node;

/** Counts packets around something that happens, until the address rests and works again. */
async function counted(c: Course, what: string, act: (pod: string) => Promise<void>): Promise<Omit<PacketMove, "kind">> {
  const { traffic, world } = c;
  return c.display.step(
    what,
    async () => {
      await atRest(c);
      const { pod: from } = await holderOf(c);
      await traffic.mark();
      const earlier = world.fabric?.switches.length ?? 0;
      await sleep(BEFORE_MS);
      await act(from);
      await untilOther(c, from);
      await untilQuiet(world, 90_000);
      const { pod: to } = await holderOf(c);
      await untilReached(traffic, ADDRESS, 30_000, to);
      const interval = await traffic.mark();
      const { status } = await bindingOf(world, ADDRESS);
      return {
        what,
        from,
        to,
        pps: PPS,
        ...figures(interval),
        switches: switchesSince(world, earlier),
        phases: { ...status?.lastMove?.durations },
      };
    },
    (m) => `lost ${m.lost} of ${m.sent}, longest gap ${m.longestGapMs} ms`,
  );
}

function switchesSince(world: World, count: number): PacketMove["switches"] {
  const ours = (world.fabric?.switches ?? []).slice(count).filter((one) => one.address === ADDRESS);
  return ours.map(({ at, from, to }) => ({ at, from: from?.vm ?? "-", to: to?.vm ?? "-" }));
}

async function planned(c: Course, what: string, act: (pod: string) => Promise<void>): Promise<void> {
  c.report.moves.push({ ...(await counted(c, what, act)), kind: "planned" });
}

async function unplanned(c: Course, what: string, loss: Loss, act: (pod: string) => Promise<void>): Promise<void> {
  const leaderLost = loss === "nodeDead" && (await leaderNode(c)) === (await nodeOfHolder(c));
  const move = await counted(c, what, act);
  const bound = boundOf(loss, SANDBOX_SETTINGS, leaderLost);
  c.report.moves.push({ ...move, kind: "unplanned", bound, withinBound: move.longestGapMs <= bound.total });
}

/** The last act is over when every Pod is there again, and with it the move to the newest. */
async function atRest(c: Course): Promise<void> {
  await untilWhole(admin(c), NAMESPACE, DEPLOYMENT, PLANNED_MS);
  await untilQuiet(c.world, 90_000);
}

async function untilOther(c: Course, pod: string): Promise<void> {
  const deadline = Date.now() + 90_000;
  while ((await holderOf(c)).pod === pod) {
    if (Date.now() > deadline) throw new Error(`${ADDRESS} stays with Pod ${pod}`);
    await sleep(100);
  }
}

/** Node of the controller's replica that leads. */
async function leaderNode(c: Course): Promise<string | undefined> {
  const space = "/namespaces/persistent-ip-system";
  const { items } = await admin(c).request<{ items: { spec: { holderIdentity?: string } }[] }>(
    "GET",
    `/apis/coordination.k8s.io/v1${space}/leases`,
  );
  const leader = items[0]?.spec.holderIdentity?.split("_")[0];
  if (!leader) return undefined;
  const pod = await admin(c).request<{ spec: { nodeName?: string } }>("GET", `/api/v1${space}/pods/${leader}`);
  return pod.spec.nodeName;
}

async function afterDelete(c: Course): Promise<Reach> {
  const { pod } = await holderOf(c);
  await deletePod(admin(c), NAMESPACE, pod);
  await untilOther(c, pod);
  await untilQuiet(c.world, 60_000);
  return untilReached(c.traffic, ADDRESS, 30_000, (await holderOf(c)).pod);
}
