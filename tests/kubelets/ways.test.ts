// SPDX-License-Identifier: Apache-2.0
// The four ways of the seed's step 6, and what goes wrong with each, tried on real Pods with real packets. The table in docs/inside-the-pod.md is
// what was seen here: this test fails when it says anything else.
import { expect } from "chai";
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { INIT_SCRIPT } from "../../components/podSpec";
import { ROOT } from "../../sandbox/demo";
import { ensureImage, SANDBOX_IMAGE } from "../../sandbox/image";
import { until } from "../../sandbox/packets/cluster-acts";
import { ECHO_PORTS, reach, WAYS, type Way } from "../../sandbox/packets/probe";
import { CLIENT, CLIENT_PORT } from "../../sandbox/vpc";
import { gateway, route } from "../support/workloads";
import { podsOf, useLab, type Lab } from "./world";

const NAMESPACE = "ways";
const ADDRESS = "34.123.10.9";
const RAW_IMAGE = "sandbox.local/raw:1";
const PERL = "/usr/bin/perl";
const PERL_LIBRARY = "/usr/lib/x86_64-linux-gnu/perl-base";

const GATEWAY = `gw=$(ip route show dev eth1 | sed -n 's/^\\([0-9.]*\\) .*scope link.*/\\1/p' | head -n 1)`;
const RULE = `${GATEWAY}; ip route replace default via $gw dev eth1 table 100; ip rule add pref 100 from $PERSISTENT_IPS lookup 100`;
const NONLOCAL = "echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind";

interface Variant {
  /** As in the table of the page. */
  title: string;
  id: string;
  init?: string;
  /** A sysctl can be set by a privileged container only. */
  privileged?: boolean;
  defaultInterface?: "eth1";
  raw?: boolean;
}

const VARIANTS: Variant[] = [
  { id: "helper", title: "2: address on `eth1`, source rule (`persistentIpPodSpec`)", init: INIT_SCRIPT },
  { id: "lo", title: "2: address on `lo`, source rule", init: `ip addr add $PERSISTENT_IPS/32 dev lo; ${RULE}` },
  {
    id: "anyip",
    title: "2: local route in table main (busybox's `ip route add local`), source rule",
    init: `ip route add local $PERSISTENT_IPS/32 dev lo; ${RULE}`,
  },
  {
    id: "default-if",
    title: "2: address, `eth1` as default interface",
    init: "ip addr add $PERSISTENT_IPS/32 dev eth1",
    defaultInterface: "eth1",
  },
  { id: "no-rule", title: "2: address, no source rule", init: "ip addr add $PERSISTENT_IPS/32 dev eth1" },
  { id: "nonlocal", title: "1: `ip_nonlocal_bind=1` alone", init: NONLOCAL, privileged: true },
  { id: "nonlocal-rule", title: "1: `ip_nonlocal_bind=1`, source rule", init: `${NONLOCAL}; ${RULE}`, privileged: true },
  { id: "nothing", title: "nothing at all" },
  // Works in plain namespaces; has not been seen in a Pod yet, so the page has no row of it. TRY_RAW=1 shows what it does.
  ...(process.env["TRY_RAW"] ? [{ id: "raw", title: "3: packet socket, no address", raw: true }] : []),
];

function pod(v: Variant): object {
  const env = [
    { name: "PERSISTENT_IPS", value: ADDRESS },
    { name: "DEVICE", value: "eth1" },
    { name: "TABLE", value: "100" },
    { name: "GATEWAY", value: "" },
  ];
  const capabilities = { drop: ["ALL"], add: ["NET_ADMIN"] };
  const init = { name: "init", image: SANDBOX_IMAGE, env, command: ["sh", "-ec", v.init ?? ""] };
  const securityContext = v.privileged ? { privileged: true } : { capabilities };
  const raw = `${GATEWAY}; ping -c1 -W1 $gw >/dev/null || :; exec perl /raw.pl ${ADDRESS} ${CLIENT} ${CLIENT_PORT}`;
  const rawLimits = { capabilities: { drop: ["ALL"], add: ["NET_RAW"] } };
  const app = v.raw
    ? { name: "app", image: RAW_IMAGE, command: ["sh", "-ec", raw], securityContext: rawLimits }
    : { name: "app", image: SANDBOX_IMAGE, env };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: v.id,
      namespace: NAMESPACE,
      labels: { way: v.id },
      annotations: {
        "networking.gke.io/default-interface": v.defaultInterface ?? "eth0",
        "networking.gke.io/interfaces": JSON.stringify([
          { interfaceName: "eth0", network: "default" },
          { interfaceName: "eth1", network: "blue-network" },
        ]),
      },
    },
    spec: {
      terminationGracePeriodSeconds: 0,
      ...(v.init ? { initContainers: [{ ...init, securityContext }] } : {}),
      containers: [app],
    },
  };
}

type Row = Record<Way, "yes" | "no" | "-">;

/** Routes the address to the Pod and tries every way; what does not work at once gets a second chance. */
async function measure(lab: Lab, v: Variant): Promise<Row> {
  await lab.kubectl([
    "patch",
    "gkeiproute",
    "-n",
    NAMESPACE,
    "ways",
    "--type=merge",
    "-p",
    JSON.stringify({ spec: { podSelector: { matchLabels: { way: v.id } } } }),
  ]);
  await until(30_000, `${v.id} has the address`, async () => {
    const said = await lab.kubectl([
      "get",
      "gkeiproute",
      "-n",
      NAMESPACE,
      "ways",
      "-o=jsonpath={.status.pods[*]} {.status.conditions[?(@.type=='Ready')].status}",
    ]);
    return said.trim() === `${v.id} True`;
  });
  if (v.raw) return measureRaw(lab, v);
  const control = (await podsOf(lab, NAMESPACE)).find((one) => one.metadata.name === v.id)?.status?.podIP;
  const first = await reach(lab.traffic, ADDRESS, control);
  const { ways } = Object.values(first.ways).every((said) => said === "ok") ? first : await reach(lab.traffic, ADDRESS, control);
  if (process.env["PRINT_TABLE"])
    console.log(
      v.id,
      ways,
      await lab.kubectl(["exec", "-n", NAMESPACE, v.id, "--", "sh", "-c", "ip -4 addr; ip rule; ip route show table all"]),
    );
  return Object.fromEntries(WAYS.map((way) => [way, ways[way] === "ok" ? "yes" : "no"])) as Row;
}

async function measureRaw(lab: Lab, v: Variant): Promise<Row> {
  const { traffic } = lab;
  const [udp, icmp, tcp] = await Promise.all([
    traffic.udp(ADDRESS, ECHO_PORTS[0], "hello"),
    traffic.ping(ADDRESS),
    traffic.tcp(ADDRESS, 8080, ""),
  ]);
  await until(10_000, "the raw program heard answers", async () =>
    (await lab.kubectl(["logs", "-n", NAMESPACE, v.id])).includes("out ok"),
  ).catch(() => undefined);
  const logs = await lab.kubectl(["logs", "-n", NAMESPACE, v.id]);
  const yes = (good: boolean): "yes" | "no" => (good ? "yes" : "no");
  expect(tcp.ok, "it has no TCP").to.equal(false);
  return {
    "tcp in": "-",
    "udp in": yes(udp.ok),
    "icmp in": yes(icmp.ok),
    "tcp out": "-",
    "udp out": yes(logs.includes("udp out ok")),
    "icmp out": yes(logs.includes("icmp out ok")),
  };
}

const HEAD = `| Way | ${WAYS.join(" | ")} |`;
const line = (v: Variant, row: Row): string => `| ${v.title} | ${WAYS.map((way) => row[way]).join(" | ")} |`;

describe("the ways to use an address inside the Pod (SEED-24, SEED-73 to SEED-78)", function () {
  this.timeout(120_000);
  const lab = useLab();

  before(async function () {
    this.timeout(90_000);
    const { world, kubectl } = lab();
    const url = `${world.emulator.url}compute/v1/projects/${world.project}/regions/${world.region}/addresses`;
    const body = JSON.stringify({ name: "ways", address: ADDRESS });
    await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    await kubectl(["create", "namespace", NAMESPACE]);
    await kubectl(["apply", "-f", "-"], gateway(NAMESPACE, "gw", [ADDRESS]));
    await kubectl(["apply", "-f", "-"], route(NAMESPACE, "ways", { addresses: [ADDRESS], selector: { way: "helper" } }));
    if (existsSync(PERL_LIBRARY)) {
      const programs = { [PERL]: PERL };
      const recipe = {
        ref: RAW_IMAGE,
        entrypoint: [PERL],
        programs,
        scripts: {},
        folders: [PERL_LIBRARY],
        files: { "/raw.pl": path.join(__dirname, "ways/raw.pl") },
      };
      await world.cluster().realNodes.importImage(await ensureImage(recipe));
    }
    for (const v of variants()) await kubectl(["apply", "-f", "-"], pod(v));
    await kubectl(["wait", "-n", NAMESPACE, "--for=condition=Ready", "pods", "--all", "--timeout=60s"]);
  });
  after(async function () {
    this.timeout(60_000);
    await lab()?.kubectl(["delete", "namespace", NAMESPACE, "--wait=true", "--timeout=50s"]);
  });

  const variants = (): Variant[] => VARIANTS.filter((v) => !v.raw || existsSync(PERL_LIBRARY));
  const page = (): string => readFileSync(path.join(ROOT, "docs/inside-the-pod.md"), "utf8");
  const seen: string[] = [];

  it("has the table that was measured", () => {
    expect(page()).to.contain(HEAD);
  });
  for (const v of VARIANTS)
    it(`shows for "${v.title}" what the table says (SEED-75, SEED-76, SEED-77)`, async function () {
      if (!variants().includes(v)) return this.skip();
      const row = line(v, await measure(lab(), v));
      seen.push(row);
      expect(page().split("\n")).to.include(row);
    });
  after(() => {
    if (process.env["PRINT_TABLE"]) console.log([HEAD, ...seen].join("\n"));
  });
});
