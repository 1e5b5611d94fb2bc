// SPDX-License-Identifier: Apache-2.0
// Every example that uses a cluster which is there: preview, up, preview that changes nothing, an everyday edit that shows exactly its own effect, destroy.
import { expect } from "chai";
import { killHolder, type Row } from "../../sandbox/demo";
import { proxyPods } from "../schema/pods";
import type { Project } from "./project";
import { untilReady, useExamples, type Examples } from "./world";

interface Example {
  name: string;
  config?: (e: Examples) => Record<string, string>;
  /** Its addresses are protected at first, as the README has it, and the way down is taken: "Delete", up (with the edit), destroy. */
  protected?: true;
  /** What the cluster gets beside the program: Pods that nobody in the example makes. */
  pods?: { namespace: string; network: string; names: string[] };
  /** Number of addresses whose route becomes Ready; none where nobody moves them here. */
  ready: number;
  check?: (e: Examples, rows: Row[]) => Promise<void> | void;
  edit: { what: string; apply: (p: Project) => void | Promise<void>; shows: Record<string, number> };
}

const CONDITIONS = "Accepted=True GCPReady=True DPV2Ready=True Ready=True";

const EXAMPLES: Example[] = [
  {
    name: "adopt",
    protected: true,
    pods: { namespace: "shop", network: "blue-network", names: ["web", "api"] },
    ready: 2,
    check: (_e, rows) => void expect(rows.map((r) => r.address)).to.include("34.123.40.1"),
    edit: {
      what: "one more address",
      apply: (p) => p.edit("    api: {},", "    api: {},\n    spare: {},"),
      // The Gateway offers it as well, and the component remembers it.
      shows: { create: 1, update: 2 },
    },
  },
  {
    name: "statefulset",
    ready: 3,
    check: (_e, rows) =>
      void expect(rows.map((r) => `${r.route} ${r.pod}`)).to.have.members([0, 1, 2].map((n) => `sip/sip-sip-${n} sip-${n}`)),
    edit: {
      what: "one more replica",
      apply: (p) => p.edit("const REPLICAS = 3;", "const REPLICAS = 4;"),
      // Its address and its route (a component and its object); the Gateway, the StatefulSet and what the component remembers change.
      shows: { create: 3, update: 3 },
    },
  },
  {
    name: "failover",
    ready: 1,
    check: async ({ world }, [row]) => {
      const move = await killHolder(world, row!.address);
      expect(move.from).to.contain(row!.pod);
      expect(move.to).to.not.contain(row!.pod);
    },
    edit: { what: "another image", apply: (p) => p.edit("haproxy:3.0", "haproxy:3.1"), shows: { update: 1 } },
  },
  {
    name: "device",
    ready: 1,
    check: (_e, [row]) => void expect(row!.address).to.match(/^10\.2\.0\./),
    edit: {
      what: "another port in the firewall",
      apply: (p) => p.edit('ports: ["443"]', 'ports: ["443", "8443"]'),
      shows: { update: 1 },
    },
  },
  {
    name: "byoip",
    config: (e) => ({ "example-byoip:prefix": e.prefix }),
    pods: { namespace: "partners", network: "blue-network", names: ["partners"] },
    ready: 2,
    check: (_e, rows) => {
      expect(rows.map((r) => r.address)).to.include("203.0.113.10");
      for (const row of rows) expect(row.address).to.match(/^203\.0\.113\./);
    },
    edit: {
      what: "another selector",
      apply: (p) => p.edit('podSelector: { matchLabels: { app: "partners" } }', 'podSelector: { matchLabels: { app: "relay" } }'),
      shows: { update: 1 },
    },
  },
  {
    name: "managed",
    config: () => ({ "example-managed:wait": "false" }),
    // Google's controller is not in the sandbox, so nothing becomes Ready; that ours writes nothing is what can be seen.
    ready: 0,
    // The watcher's parts go, and nothing else changes: no object of an address, of the Gateway or of the route.
    edit: {
      what: "without the watcher",
      apply: (p) => p.configure({ "example-managed:watch": "false" }),
      shows: { delete: 13 },
    },
  },
];

describe("examples that adopt a cluster", function () {
  this.timeout(180_000);
  const examples = useExamples();

  const chosen = EXAMPLES.filter((x) => !process.env.ONLY || process.env.ONLY.split(",").includes(x.name));
  const created: Promise<Project>[] = [];
  /** A project's folder and stack are made while the one before it is up: that costs seconds and touches nothing. */
  const projectOf = (index: number): Promise<Project> => {
    const example = chosen[index]!;
    const onDestroy = example.protected ? {} : { [`example-${example.name}:onDestroy`]: "Delete" };
    return (created[index] ??= examples().project(example.name, { ...onDestroy, ...example.config?.(examples()) }));
  };

  chosen.forEach((example, index) =>
    it(`${example.name}: preview, up, no change, ${example.edit.what}, destroy`, async () => {
      const e = examples();
      const project = await projectOf(index);
      if (index + 1 < chosen.length) projectOf(index + 1).catch(() => undefined); // its own test awaits it
      // The next example needs the cluster as it was, whatever happens.
      let last = project;
      try {
        last = await live(e, example, project);
      } finally {
        if (example.protected) {
          await last.configure({ [`example-${example.name}:onDestroy`]: "Delete" });
          await last.up();
        }
        await project.destroy();
      }
      const left = e.world.emulator.list("addresses").map((a) => a.name);
      expect(left).to.have.members(["shop-web"]);
      expect(e.world.emulator.list("forwardingRules")).to.deep.equal([]);
    }),
  );
});

/** @returns the project with its edit */
async function live(e: Examples, example: Example, project: Project): Promise<Project> {
  const planned = await project.preview();
  const made = await project.up();
  expect(made.changes).to.deep.equal(planned.changes);
  expect(Object.keys(made.changes)).to.deep.equal(["create"]);
  if (example.pods) await proxyPods(e.world, example.pods);
  if (example.ready > 0) {
    const rows = await untilReady(e.world, 40_000);
    expect(rows.map((r) => r.conditions)).to.deep.equal(Array.from({ length: example.ready }, () => CONDITIONS));
    await example.check?.(e, rows);
  }
  const edited = project.copy();
  await example.edit.apply(edited);
  const [, shown] = await Promise.all([project.unchanged(), edited.preview()]);
  expect(shown.changes, shown.text).to.deep.equal(example.edit.shows);
  return edited;
}
