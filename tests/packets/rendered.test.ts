// SPDX-License-Identifier: Apache-2.0
// The DaemonSet that PodIpController renders, run as rendered (issue 5, must show 7): user, capabilities, seccomp profile, resources, mounts,
// read-only root, command. All of it is enough for every packet, and with any one right taken away a check fails.
import { expect } from "chai";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import type { Intent } from "../../controller/node";
import { AGENT_HEALTH_PORT, AGENT_METRICS_PORT, daemonSetSpec } from "../../components/nodeAgentPod";
import { allProgrammed, BLUE, pod, wish, type Status } from "./agent";
import { runContainer, type PodSpec } from "./container";
import { fabricTo, PIP, podAdd, podOn, up } from "./lab";
import { cgroupValue, MEBI, noCgroups, noRuntime, runtimeDefault } from "./runtime";
import { inside, ip, output, quietly, sh, sysctl, until, type Running } from "./shell";
import { GOOD, NO_ROOT, packets, pause, skipped, story, type Scenario, type Step } from "./suite";
import { isRealRoot } from "../../sandbox/nodes/namespaces/requirements";

interface Made {
  running: Running & { name: string };
  status: () => Status | undefined;
  want: (intent: Intent) => void;
}
/** What the runtime is to add; without a profile there is none. */
interface Around {
  profile?: object | undefined;
  limited?: boolean;
}
const PA = pod("pa", 1, 10);
const THOUSAND: Intent = {
  networks: [BLUE],
  addresses: Array.from({ length: 1000 }, (_, i) => ({
    ...{ address: i === 0 ? PIP : `34.130.${i >> 8}.${i & 255}`, network: "blue", generation: 2, pod: PA },
  })),
};
/** The rendered Pod template, for the bundle at hand. */
function rendered(bundle: Buffer): PodSpec {
  const args = {
    region: "us-central1",
    clusterName: "c",
    clusterLocation: "us-central1",
    datapath: "Linux",
    nodeAgent: { image: "any" },
  } as const;
  const sha256 = createHash("sha256").update(bundle).digest("hex");
  return daemonSetSpec({ args, sha256, configMap: "bundle" }).template.spec;
}
/** A node that does not forward by itself, a Pod, and the agent from the template, changed by `change`. Only its wish is from a file. */
async function build(s: Scenario, around: Around = {}, change: (spec: PodSpec) => void = () => undefined): Promise<Made> {
  up({ nodes: 1 });
  podAdd("pa", 1, 10);
  podOn("pa");
  fabricTo(1);
  sysctl("n1", "net.ipv4.conf.nic1.forwarding=0", "net.ipv4.conf.lxc-pa-1.forwarding=0");
  const folder = fs.mkdtempSync(path.join(s.programs.folder, "rendered-"));
  const [bundleFolder, scratch] = [path.join(folder, "bundle"), path.join(folder, "scratch")];
  for (const d of [bundleFolder, scratch]) fs.mkdirSync(d);
  fs.chmodSync(scratch, 0o777);
  const bundle = brotliCompressSync(fs.readFileSync(s.programs.file), { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
  fs.writeFileSync(path.join(bundleFolder, "controller.js.br"), bundle);
  const want = (intent: Intent): void => {
    fs.writeFileSync(path.join(scratch, "new"), JSON.stringify(intent));
    fs.renameSync(path.join(scratch, "new"), path.join(scratch, "wish"));
  };
  want(wish(1, PA));
  const spec = rendered(bundle);
  change(spec);
  const running = runContainer(spec, {
    node: "n1",
    folder,
    volumes: { bundle: bundleFolder },
    more: ["--desired", "/scratch/wish", "--status", "/scratch/status"],
    scratch,
    ...(around.profile ? { runtimeDefault: around.profile } : {}),
    limited: around.limited ?? false,
  });
  const file = path.join(scratch, "status");
  const status = (): Status | undefined =>
    fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, "utf8")) as Status) : undefined;
  await until("first pass", () => status() !== undefined || running.child.exitCode !== null, 10_000);
  return { running, status, want };
}
const get = (port: number, what: string): Promise<string> =>
  output("n1", [
    process.execPath,
    "-e",
    `fetch("http://127.0.0.1:${port}${what}").then((r) => r.text()).then(console.log, console.log)`,
  ]);
/** Of the container's first process, as the machine sees it. */
const pidOf = ({ running }: Made): string =>
  fs
    .readdirSync("/proc")
    .filter((p) => /^\d+$/.test(p))
    .find((p) => quietly("grep", "-qs", `PPid:\t${running.child.pid}$`, `/proc/${p}/status`))!;
const reason = ({ status, running }: Made): string =>
  `${status()?.statuses[0]?.conditions.find((c) => c.type === "RoutesProgrammed")?.reason} ${running.text()}`;

/** Each right that the template has, taken away, and what is then seen. */
const LESS: { [what: string]: { take: (spec: PodSpec) => void; says: RegExp } } = {
  NET_ADMIN: { take: (p) => p.containers[0]!.securityContext.capabilities.add.splice(0), says: /Operation not permitted/ },
  hostNetwork: { take: (p) => void (p.hostNetwork = false), says: /NotResolved|NicMissing/ },
  "user 0": { take: (p) => void (p.containers[0]!.securityContext.runAsUser = 65532), says: /Operation not permitted/ },
  "the mount of /proc/sys/net": {
    take: (p) => void (p.containers[0]!.volumeMounts = p.containers[0]!.volumeMounts.filter((m) => m.name !== "sys-net")),
    says: /ForwardingBlocked/,
  },
  "the mount of the bundle": {
    take: (p) => void (p.containers[0]!.volumeMounts = p.containers[0]!.volumeMounts.filter((m) => m.name !== "bundle")),
    says: /ENOENT.*controller\.js\.br/,
  },
};

/** A profile that lets one system call less pass. */
const without = (profile: object, call: string): object => {
  const { syscalls, ...rest } = profile as { syscalls: { names: string[] }[] };
  return { ...rest, syscalls: syscalls.map((s) => ({ ...s, names: s.names.filter((n) => n !== call) })) };
};
/** Of all that was done until then. */
const UNDER_PROFILE: Step<Made>[] = [
  [
    "all of it under the runtime's own seccomp profile",
    (made) => expect(fs.readFileSync(`/proc/${pidOf(made)}/status`, "utf8")).to.match(/^Seccomp:\s2$/m),
  ],
];
const IN_LIMITS: Step<Made>[] = [
  [
    "its share of the CPU is what it asks for",
    (made) => expect(cgroupValue(pidOf(made), "cpu", "cpu.shares", "cpu.weight")).to.be.oneOf([20, 1]),
  ],
  [
    "1000 addresses fit into its memory limit",
    async (made) => {
      made.want(THOUSAND);
      await until("1000", () => made.status()?.statuses.length === 1000 && allProgrammed(made.status()!), 15_000);
      const pid = pidOf(made);
      const limit = cgroupValue(pid, "memory", "memory.limit_in_bytes", "memory.max");
      const most = cgroupValue(pid, "memory", "memory.max_usage_in_bytes", "memory.peak");
      console.log(`      ${Math.round(most / MEBI)} of ${limit / MEBI} MiB at most`);
      expect(limit).to.equal(192 * MEBI);
      expect(most).to.be.below(0.9 * limit);
    },
  ],
];

packets("The rendered DaemonSet", __filename, (scenario) => {
  const missing = isRealRoot() ? (quietly("runc", "--version") ? undefined : "runc is not installed") : NO_ROOT;
  if (missing)
    return void it("runs as rendered", function () {
      skipped(this, missing);
    });
  const noProfile = noRuntime();
  const noLimits = noCgroups();
  let profile: object | undefined;
  before(async function () {
    this.timeout(60_000);
    if (!noProfile) profile = await runtimeDefault(scenario().programs.folder, ["NET_ADMIN"]);
  });
  const around = (): Around => ({ profile, limited: noLimits === undefined });
  for (const lacking of [noProfile, noLimits])
    if (lacking)
      it("rendered: under the runtime's seccomp profile and in its limits", function () {
        skipped(this, lacking);
      });

  story(scenario, "rendered", {
    build: (s) => build(s, around()),
    steps: [
      [
        "it programs the address",
        (made) => expect(made.status()?.statuses[0], made.running.text()).to.include({ programmed: true }),
      ],
      [
        "with NET_ADMIN as its only capability, and no way to more",
        (made) => {
          const text = fs.readFileSync(`/proc/${pidOf(made)}/status`, "utf8");
          for (const set of ["CapEff", "CapPrm", "CapBnd"]) expect(text).to.match(new RegExp(`${set}:\\s0*1000\\n`));
          expect(text).to.match(/NoNewPrivs:\s1\n/);
        },
      ],
      [
        "it has switched forwarding on",
        () => expect(inside("n1", "sysctl", "-n", "net.ipv4.conf.nic1.forwarding").trim()).to.equal("1"),
      ],
      ["and made its table of nftables", () => expect(inside("n1", "nft", "list", "tables")).to.include("gkepip")],
      [
        "packets arrive and are answered",
        async (_, s) => {
          await s.serve("pa");
          expect(await s.ask()).to.deep.equal(GOOD);
        },
      ],
      [
        "a lost route comes back",
        async () => {
          ip("n1", `route del ${PIP}/32 metric 100 table 7101`);
          await until("back", () => ip("n1", "route show table 7101").includes("lxc-pa-1"));
          await pause(200);
        },
      ],
      [
        "the probes are answered as the template asks",
        async () => {
          expect(await get(AGENT_HEALTH_PORT, "/healthz")).to.equal("ok\n\n");
          expect(await get(AGENT_HEALTH_PORT, "/readyz")).to.equal("ok\n\n");
        },
      ],
      [
        "the repair is counted in /metrics",
        async () => {
          const text = await get(AGENT_METRICS_PORT, "/metrics");
          expect(text).to.match(/persistent_ip_agent_repairs_total 1\n/);
          expect(text).to.match(/persistent_ip_agent_addresses\{programmed="true"\} 1\n/);
          expect(text).to.match(/persistent_ip_agent_last_pass_age_seconds \d+(\.\d+)?\n/);
        },
      ],
      [
        "probes are not answered on the node's other addresses",
        async () =>
          expect(
            await output("n1", [
              process.execPath,
              "-e",
              `fetch("http://10.0.0.11:${AGENT_HEALTH_PORT}/healthz").then((r) => r.text()).then(console.log, (e) => console.log(e.cause.code))`,
            ]),
          ).to.include("ECONNREFUSED"),
      ],
      ...(noProfile ? [] : UNDER_PROFILE),
      ...(noLimits ? [] : IN_LIMITS),
    ],
  });
  for (const [what, { take, says }] of Object.entries(LESS))
    it(`rendered: without ${what} it is not enough, and the agent says why`, async () => {
      const made = await build(scenario(), around(), take);
      expect(made.status()?.statuses[0]?.programmed ?? false, made.running.text()).to.equal(false);
      expect(reason(made)).to.match(says);
    });

  it("rendered: with less memory than its limit it is killed by the kernel, and the lab sees it", async function () {
    if (noLimits) return skipped(this, noLimits);
    const made = await build(scenario(), around(), (p) => (p.containers[0]!.resources.limits.memory = "24Mi"));
    await until("end", () => made.running.child.exitCode !== null, 10_000);
    expect(made.running.child.exitCode, made.running.text()).to.equal(128 + 9);
    expect(sh("dmesg")).to.match(new RegExp(`oom-kill:.*oom_memcg=/${made.running.name}`));
  });
  for (const [how, withProfile] of Object.entries({ refuses: true, "would not refuse, if it were not there,": false }))
    it(`rendered: the profile ${how} what the agent has no use for: a user namespace of its own, and with it every capability`, async function () {
      if (noProfile) return skipped(this, noProfile);
      const made = await build(scenario(), withProfile ? around() : {}, (p) => {
        p.containers[0]!.command = ["sh", "-c", "unshare -U true && echo made a namespace; :", "sh"];
      });
      expect(made.running.text()).to.match(withProfile ? /unshare failed: Operation not permitted/ : /^made a namespace$/m);
    });
  it("rendered: with a profile that does not let it talk to the kernel by netlink it is not enough, and the agent says why", async function () {
    if (noProfile) return skipped(this, noProfile);
    const made = await build(scenario(), { profile: without(profile!, "sendmsg") });
    expect(made.status()?.statuses[0]?.programmed ?? false, made.running.text()).to.equal(false);
    expect(made.running.text()).to.match(/Operation not permitted/);
  });
});
