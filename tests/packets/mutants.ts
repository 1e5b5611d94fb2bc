// SPDX-License-Identifier: Apache-2.0
// Agents that were broken on purpose: one change of the source each, and the checks that must go red with it. So each check is seen to be able
// to fail. `npx ts-node -T tests/packets/mutants.ts [WORD]` builds them, runs those checks, and prints what it saw; root only.
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { build, type PluginBuild } from "esbuild";

const root = path.resolve(__dirname, "../..");
export interface Mutant {
  broken: string;
  file: string;
  from: string;
  to: string;
  /** Another change of the same file. */
  also?: [from: string, to: string];
  /** Part of the titles that must fail, each: `scenario: check`. Steps that stand on a failed one are skipped. */
  red: string[];
}
const NODE = "controller/node/";
export const MUTANTS: Mutant[] = [
  {
    broken: "no permanent neighbour",
    file: `${NODE}plan.ts`,
    from: "...neighLines(possible.owned, kernel.neighs, numbers),",
    to: "",
    red: ["rpf: rp_filter 0 on the node and 1 in the Pod"],
  },
  {
    broken: "no blackhole for an address",
    file: `${NODE}plan-routes.ts`,
    from: "return [out, ...[...new Set(n.addresses)]",
    to: "return [out, ...[...new Set<string>()]",
    red: ["loop: with the agent they end in the blackhole"],
  },
  {
    broken: "no blackhole below the way out",
    file: `${NODE}plan-routes.ts`,
    from: "return [out, ...[",
    to: "return [...[",
    red: ["flap: and nothing of it leaks by the other NIC"],
  },
  {
    broken: "no rule for what the Pod sends",
    file: `${NODE}plan-rules.ts`,
    from: "return [...inward, ...outward];",
    to: "return [...inward, ...outward.slice(0, 0)];",
    red: ["smoke: the agent needs six lines", "podside: an init container's work"],
  },
  {
    broken: "no rule for what comes in",
    file: `${NODE}plan-rules.ts`,
    from: "return [...inward, ...outward];",
    to: "return [...inward.slice(0, 0), ...outward];",
    red: ["smoke: the agent needs six lines", "podside: an init container's work"],
  },
  {
    broken: "a route that needs a host route to the Pod (no onlink)",
    file: `${NODE}plan-routes.ts`,
    from: "dev ${w.dev} onlink`",
    to: "dev ${w.dev}${w.metric === 100 ? '' : ' onlink'}`",
    red: ["finds no host interface where the CNI has no route"],
  },
  {
    broken: "a plan that takes every route for wrong",
    file: `${NODE}plan-routes.ts`,
    from: "have.type === want.type &&",
    to: "false &&",
    red: ["drift: the first pass writes what is missing, the second nothing"],
  },
  {
    broken: "stale routes stay",
    file: `${NODE}plan.ts`,
    from: "...staleRoutes(routes, open, numbers),",
    to: "",
    red: ["drift: a stale route of ours goes"],
  },
  {
    broken: "stale rules stay",
    file: `${NODE}plan.ts`,
    from: "    ...last,\n",
    to: "",
    red: ["loop: its rule, which the kernel keeps as detached, is collected"],
  },
  {
    broken: "stale neighbours stay",
    file: `${NODE}plan.ts`,
    from: "...(desired.hold ? [] : staleNeighs(",
    to: "...(true ? [] : staleNeighs(",
    red: ["drift: a stale neighbour of ours goes"],
  },
  {
    broken: "routes are ours by their table, whatever their protocol",
    file: `${NODE}plan.ts`,
    from: "r.protocol === n.protocol && isOurTable(r.table, n);",
    to: "isOurTable(r.table, n);",
    red: ["drift: a foreign route in a table of our range"],
  },
  {
    broken: "rules are ours by their preference, whatever their protocol",
    file: `${NODE}plan-rules.ts`,
    from: "r.protocol === n.protocol && (r.pref",
    to: "(r.pref",
    red: ["drift: a foreign rule at our preference stays"],
  },
  {
    broken: "neighbours are ours whatever their protocol",
    file: `${NODE}plan-neighs.ts`,
    from: "n.fixed && n.protocol === protocol &&",
    to: "n.fixed &&",
    red: ["1000 addresses: "],
  },
  {
    broken: "foreign routes in our tables are no conflict",
    file: `${NODE}plan.ts`,
    from: "if (!foreign) return [];",
    to: "return [];",
    red: ["conflict: with a foreign route in its table"],
  },
  {
    broken: "the guest agent's local route stays",
    file: `${NODE}plan.ts`,
    from: "...guestAgentLines(possible.owned, kernel),",
    to: "",
    red: ["guestagent: the agent takes exactly that route away"],
  },
  {
    broken: "anybody's local route is taken away",
    file: `${NODE}plan.ts`,
    from: "&& r.protocol === GUEST_AGENT_PROTOCOL)",
    to: ")",
    // The line would name a protocol that is not the route's, and the kernel refuse it.
    also: ["exactly(r)} proto ${GUEST_AGENT_PROTOCOL}`", "exactly(r)}`"],
    red: ["guestagent: a local route of anybody else"],
  },
  {
    broken: "the guest agent's route is taken away also where it does no harm",
    file: `${NODE}plan.ts`,
    from: "if (!localFirst(kernel)) return [];",
    to: "",
    red: ["guestagent: where local is looked up at 100"],
  },
  {
    broken: "an address without its host interface is programmed half",
    file: `${NODE}plan.ts`,
    from: "if (link?.up) return [{ ...o, leaving }];",
    to: "return [{ ...o, leaving }];",
    red: ["reboot: blackholes first"],
  },
  {
    broken: "the kernel is not listened to",
    file: `${NODE}passes.ts`,
    from: "if (this.stopped || this.hinted) return;",
    to: "return;",
    red: ["drift: a route of ours deleted under load"],
  },
  {
    broken: "names of interfaces are remembered for ever",
    file: `${NODE}agent.ts`,
    from: "this.o.ip.recycle();",
    to: "",
    red: ["a Pod that comes back behind an interface of the same name"],
  },
  {
    broken: "who owns the path is not asked",
    file: `${NODE}probes.ts`,
    from: "if (this.o.trustCni) return undefined;",
    to: "return undefined;",
    red: ["antispoof_cni: the agent says DatapathOwnedByCNI", "antispoof_cni: a node with Cilium's interface"],
  },
  {
    broken: "spoofed packets are counted and not dropped",
    file: `${NODE}nft-rules.ts`,
    from: "counter, { drop: null })",
    to: "counter, { accept: null })",
    red: ["spoof: and do not reach the fabric"],
  },
  {
    broken: "an owner's own packets are taken for spoofed",
    file: `${NODE}nft-rules.ts`,
    from: '"@own"), { accept: null }),',
    to: '"@own"), { drop: null }),',
    red: ["spoof: the owner is not touched, in"],
  },
  {
    broken: "masquerading is not found out",
    file: `${NODE}firewall.ts`,
    from: '(keepSource === "auto" && detected.masquerades)',
    to: "false",
    red: ["nat: with the exemption the Pod's packets keep the address"],
  },
  {
    broken: "FORWARD chains are left as they are",
    file: `${NODE}firewall.ts`,
    from: 'forwardAccept === "auto" ?',
    to: "false ?",
    red: ["nat: a FORWARD chain that drops is opened"],
  },
  {
    broken: "forwarding is not switched on",
    file: `${NODE}probes.ts`,
    from: '=== "0") await fs.writeFile(file, "1\\n");',
    to: '=== "never") return problems;',
    red: ["rendered: it has switched forwarding on"],
  },
  {
    broken: "everything is said to be programmed",
    file: `${NODE}verdict.ts`,
    from: 'is("RoutesProgrammed") === "True" && is("PodHasAddress") !== "False" && free',
    to: "true",
    red: [
      "finds the host interface behind the Pod's namespace",
      "priv: without NET_ADMIN it changes nothing",
      "device: and says",
    ],
  },
  {
    broken: "SIGTERM takes the rules away",
    file: "controller/agent.ts",
    from: "Promise.all([...ended.map((end) => end()), agent.stop()])",
    to: 'Promise.all([...ended.map((end) => end()), agent.stop(), runCommand(["ip", "rule", "flush", "protocol", "122"])])',
    red: ["drift: SIGTERM leaves everything in place"],
  },
  {
    broken: "a node answers before it has programmed",
    file: `${NODE}agent.ts`,
    from: "const failures = await this.o.ip.apply(",
    to: "const failures = await this.o.ip.apply([]); void (",
    red: ["A: new node, fabric, old node"],
  },
];

/** @throws Error where the text is not there exactly once: the mutant is older than the source */
async function brokenAgent(m: Mutant, folder: string): Promise<string> {
  const outfile = path.join(folder, "agent.js");
  const target = path.join(root, m.file);
  const text = fs.readFileSync(target, "utf8");
  let contents = text;
  for (const [from, to] of [[m.from, m.to] as const, ...(m.also ? [m.also] : [])]) {
    if (text.split(from).length !== 2) throw new Error(`"${from}" is not once in ${m.file}`);
    contents = contents.replace(from, () => to);
  }
  const plugins = [
    {
      name: "mutant",
      setup: (b: PluginBuild) =>
        b.onLoad({ filter: /\.ts$/ }, ({ path: p }) => (p === target ? { contents, loader: "ts" as const } : undefined)),
    },
  ];
  const main = path.join(root, "controller/main.ts");
  await build({ entryPoints: [main], bundle: true, platform: "node", format: "cjs", outfile, plugins, logLevel: "error" });
  return outfile;
}
const quoted = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
/** What is run: the whole story of a step, for it stands on those before it. */
const wide = (red: string): string => {
  const story = /^(smoke|loop|flap|drift|guestagent|spoof|antispoof_cni|nat|rendered|device|1000 addresses): /.exec(red);
  return story && red.length < 200 ? `${quoted(story[0])}` : quoted(red);
};

/** Titles of the tests that failed under this agent. */
function failing(agent: string, titles: string[]): string[] {
  const files = fs.readdirSync(__dirname).filter((f) => f.endsWith(".test.ts") && f !== "fuzz.test.ts");
  const args = ["--reporter", "json", "--grep", titles.map(wide).join("|"), ...files.map((f) => path.join("tests/packets", f))];
  const env = { ...process.env, PACKETS_AGENT: agent };
  const r = spawnSync(process.execPath, ["node_modules/mocha/bin/mocha.js", ...args], {
    cwd: root,
    env,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  const json = r.stdout.slice(r.stdout.indexOf('{\n  "stats"'));
  return (JSON.parse(json) as { failures: { title: string }[] }).failures.map((f) => f.title);
}

async function main(word = ""): Promise<void> {
  let survived = 0;
  for (const m of MUTANTS.filter((x) => x.broken.includes(word))) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pip-mutant-"));
    try {
      const seen = failing(await brokenAgent(m, folder), m.red);
      const missed = m.red.filter((r) => !seen.some((title) => title.includes(r)));
      survived += missed.length > 0 ? 1 : 0;
      console.log(`${missed.length === 0 ? "red     " : "SURVIVED"} ${m.broken}: ${seen.join("; ") || "nothing failed"}`);
    } catch (error) {
      survived += 1;
      console.log(`ERROR    ${m.broken}: ${String(error)}`);
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }
  process.exitCode = survived > 0 ? 1 : 0;
}
if (require.main === module) void main(process.argv[2]);
