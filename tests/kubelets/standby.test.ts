// SPDX-License-Identifier: Apache-2.0
// Hot standby under real kubelets: the holder is killed, and its node, with and without it in turn. The journal says how long the move prepared and
// switched, packets say how long nobody answered. Then the node that takes over has its agent frozen: with a standby that makes no difference.
import { expect } from "chai";
import { STABILITY_ANNOTATION, type AddressBinding, type Move } from "../../controller/api";
import { boundOf, SANDBOX_SETTINGS, type Loss } from "../../sandbox/packets/bound";
import { deletePod, until, untilWhole } from "../../sandbox/packets/cluster-acts";
import { ADDRESSES, DATAPATH, newestReady, seedManifests, streaming, untilAt, useLab, type Pod } from "./world";

const NAMESPACE = "proxy-deploy-ns";
const NAME = "proxy-deploy";
const NODES = 3;
/** A node is dead for long; more of both for a measurement. */
const ROUNDS: { [loss in Loss]: number } = {
  podKilled: Number(process.env["STANDBY_ROUNDS"] ?? 2),
  nodeDead: Number(process.env["STANDBY_NODE_ROUNDS"] ?? 1),
};
const BINDING = `/apis/gke-persistent-ip.dev/v1alpha1/addressbindings/${ADDRESSES[0].replaceAll(".", "-")}`;

interface Failover {
  gapMs: number;
  lost: number;
  /** Of the first move, by the journal: until the node was proven; from then on until the cloud had been switched. Milliseconds. */
  prepareMs: number;
  switchMs: number;
  /** The controller's leader was on the same node. */
  leaderLost: boolean;
}
const HOWS = ["without", "with"] as const;
const middle = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[Math.floor((numbers.length - 1) / 2)]!;

/** A workload with one Pod a node: beside another one of its node a Pod is no heir, and such a move asks nothing of the cloud. */
function spread(object: object): object {
  const { spec } = object as { spec?: { template?: { metadata: { labels: object }; spec: object } } };
  if (!spec?.template) return object;
  const labelSelector = { matchLabels: spec.template.metadata.labels };
  const apart = { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "kubernetes.io/hostname", labelSelector }] };
  const template = { ...spec.template, spec: { ...spec.template.spec, affinity: { podAntiAffinity: apart } } };
  return { ...object, spec: { ...spec, replicas: NODES, template } };
}

describe("a hot standby under real kubelets", function () {
  this.timeout(120_000);
  const lab = useLab();
  const holder = (): Promise<Pod> => untilAt(lab(), NAMESPACE, newestReady);
  const journal = async () => (await lab().client.request<AddressBinding>("GET", BINDING)).status ?? {};
  const whole = (): Promise<void> => untilWhole(lab().client, NAMESPACE, NAME, 60_000);

  /** Waits until every standby that was asked for has answered. @param n how many nodes are to be prepared; 0: none */
  const askFor = async (n: number): Promise<void> => {
    const text = `${STABILITY_ANNOTATION.hotStandby}=${n}`;
    await lab().kubectl(["annotate", "gkeiproute", "-n", NAMESPACE, "my-pod-ips", "--overwrite", text]);
    await until(30_000, `${n} standbys have answered`, async () => {
      const { phase, standby = [], nodes = [] } = await journal();
      const answered = standby.filter((s) => nodes.some((e) => e.node === s.node && e.programmed && e.standby === s.since));
      return phase === "Held" && standby.length === n && answered.length === n;
    });
  };
  const movesSince = async (generation: number): Promise<Move[]> =>
    ((await journal()).history ?? []).filter((m) => m.generation > generation).reverse();

  const leaderNode = async (): Promise<string | undefined> => {
    const get = (args: string[]): Promise<string> => lab().kubectl(["get", "-n", "persistent-ip-system", ...args]);
    const leader = (await get(["lease", "-o=jsonpath={.items[0].spec.holderIdentity}"])).split("_")[0];
    return leader ? get(["pod", leader, "-o=jsonpath={.spec.nodeName}"]) : undefined;
  };

  async function failover(loss: Loss): Promise<Failover> {
    const { metadata, spec } = await holder();
    const node = spec.nodeName ?? "";
    const leaderLost = loss === "nodeDead" && (await leaderNode()) === node;
    const { generation = 0 } = await journal();
    const { nodes } = lab().world.cluster();
    const seen = await streaming(lab(), NAMESPACE, async () => {
      if (loss === "nodeDead") await nodes.crash(node);
      else await deletePod(lab().client, NAMESPACE, metadata.name, true);
      await until(60_000, "the address has moved", async () => (await movesSince(generation)).length > 0);
      await untilAt(lab(), NAMESPACE, (pods) =>
        newestReady(pods.filter((p) => loss === "podKilled" || p.spec.nodeName !== node)),
      );
    }).finally(() => (loss === "nodeDead" ? nodes.restore(node) : undefined));
    if (process.env["SHOW_TIMELINE"]) console.log(seen.timeline);
    const [first] = await movesSince(generation);
    await whole();
    await holder();
    const { prepare = 0, switch: switchMs = 0 } = first?.durations ?? {};
    return { gapMs: seen.longestGapMs ?? 0, lost: seen.lost, prepareMs: prepare, switchMs, leaderLost };
  }

  before(async function () {
    this.timeout(120_000);
    if (this.test?.parent?.pending) return;
    if (DATAPATH !== "linux") return this.skip();
    await lab().kubectl(["create", "namespace", NAMESPACE]);
    for (const file of ["allowed-pod-ips.yaml", "deployment.yaml"])
      for (const object of seedManifests(file)) await lab().kubectl(["apply", "-f", "-"], spread(object));
    await whole();
    await holder();
  });
  after(async function () {
    this.timeout(60_000);
    await lab()?.kubectl(["delete", "namespace", NAMESPACE, "--wait=true", "--timeout=50s"]);
  });

  it("is prepared on the nodes of the next best Pods, and is off again when nobody asks for it", async () => {
    await holder();
    await askFor(2);
    const { standby = [], holder: now } = await journal();
    const { realNodes } = lab().world.cluster();
    for (const { node } of standby) {
      expect(node).to.not.equal(now?.node);
      expect(await realNodes.run(node, "ip", ["route", "show", "table", "all"])).to.match(
        new RegExp(`${ADDRESSES[0]} via .* proto 122`),
      );
    }
    await askFor(0);
    for (const { node } of standby)
      await until(
        10_000,
        `${node} lets go`,
        async () => !(await realNodes.run(node, "ip", ["route", "show", "table", "all"])).includes(`${ADDRESSES[0]} via`),
      );
  });

  for (const [loss, what] of [
    ["podKilled", "a Pod was killed"],
    ["nodeDead", "a node lost its power"],
  ] as const)
    it(`keeps the silence after ${what} within the bound: measured with and without it in turn (must-show 1)`, async function () {
      this.timeout(120_000 + ROUNDS[loss] * 160_000);
      const all: { [how in (typeof HOWS)[number]]: Failover[] } = { without: [], with: [] };
      for (let i = 0; i < ROUNDS[loss]; i++)
        for (const how of HOWS) {
          await askFor(how === "with" ? 2 : 0);
          all[how].push(await failover(loss));
        }
      for (const how of HOWS) {
        for (const f of all[how]) {
          const leader = f.leaderLost ? ", and the controller's leader with it" : "";
          const phases = `prepare ${f.prepareMs} ms, switch ${f.switchMs} ms`;
          console.log(`      ${how}: ${phases}; ${f.gapMs} ms without an answer, ${f.lost} lost${leader}`);
        }
        const of = (value: (f: Failover) => number): number => middle(all[how].map(value));
        console.log(`      ${how}, medians: prepare ${of((f) => f.prepareMs)} ms, switch ${of((f) => f.switchMs)} ms`);
      }
      for (const f of [...all.with, ...all.without])
        expect(f.gapMs).to.be.at.most(boundOf(loss, SANDBOX_SETTINGS, f.leaderLost).total);
    });

  it("takes over although the agent of its node answers nobody any more", async () => {
    await whole();
    await holder();
    await askFor(2);
    const { standby = [], holder: now, generation = 0 } = await journal();
    const heir = standby[0]!;
    const { realNodes } = lab().world.cluster();
    const agent = (signal: string): Promise<string> =>
      realNodes.run(heir.node, "sh", ["-c", `kill -${signal} $(pgrep -f '[a]gent --proc-sys-net')`]);
    await agent("STOP");
    try {
      await deletePod(lab().client, NAMESPACE, now!.pod, true);
      await until(20_000, `${heir.pod} has the address`, async () =>
        (await movesSince(generation)).some((m) => m.to?.podUID === heir.podUID),
      );
    } finally {
      await agent("CONT");
    }
    await whole();
    await holder();
  });
});
