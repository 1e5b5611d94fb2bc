// SPDX-License-Identifier: Apache-2.0
// The node agent's manifest: only with datapath Linux, with the rights that tests/packets shows to be enough, and no others.
import { expect } from "chai";
import { controllerProblems } from "./checksController";
import { controllerFlags } from "./flags";
import { agentFlags, agentRules, daemonSetSpec } from "./nodeAgentPod";

const args = {
  region: "us-central1",
  clusterName: "c",
  clusterLocation: "us-central1",
  datapath: "Linux",
  nodeAgent: { image: "registry/agent@sha256:1", networks: { red: "eth2", blue: "eth1" } },
} as const;

describe("The node agent's DaemonSet", () => {
  const spec = daemonSetSpec({ args, sha256: "abc", configMap: "bundle-abc" });
  const [container] = spec.template.spec.containers;
  it("has hostNetwork and NET_ADMIN and nothing else (issue 5, must show 7)", () => {
    expect(container!.securityContext.capabilities).to.deep.equal({ drop: ["ALL"], add: ["NET_ADMIN"] });
    expect(container!.securityContext).to.include({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true });
    expect(spec.template.spec).to.include({ hostNetwork: true }).and.not.have.any.keys("hostPID", "hostIPC");
    const paths = spec.template.spec.volumes.flatMap((v) => ("hostPath" in v && v.hostPath ? [v.hostPath.path] : []));
    expect(paths).to.deep.equal(["/proc/sys/net"]);
  });
  it("runs the controller's own bundle as agent, with the networks in one order", () => {
    expect(container!.command).to.include("agent").and.include("abc");
    expect(agentFlags(args).slice(-4)).to.deep.equal(["--network", "blue=eth1", "--network", "red=eth2"]);
  });
  it("is asked on the node's loopback interface whether it is ready and alive, on the ports that its flags name", () => {
    const ports = Object.fromEntries(container!.ports.map((p) => [p.name, String(p.containerPort)]));
    const flag = (name: string): string | undefined => container!.command[container!.command.indexOf(name) + 1];
    expect(ports).to.deep.equal({ health: flag("--health-port"), metrics: flag("--metrics-port") });
    const { startupProbe, readinessProbe, livenessProbe } = container!;
    expect([startupProbe, readinessProbe, livenessProbe].map((p) => p.httpGet)).to.deep.equal([
      { path: "/healthz", port: "health", host: "127.0.0.1" },
      { path: "/readyz", port: "health", host: "127.0.0.1" },
      { path: "/healthz", port: "health", host: "127.0.0.1" },
    ]);
  });
  it("may read journals, Pods and Nodes, and write the status of journals only", () => {
    const writes = agentRules().filter((r) => r.verbs.some((v) => v !== "list" && v !== "watch"));
    expect(writes).to.deep.equal([
      { apiGroups: ["gke-persistent-ip.dev"], resources: ["addressbindings/status"], verbs: ["patch"] },
    ]);
  });
  it("tells the controller to wait for it", () => {
    const flags = controllerFlags({ ...args, project: "p", namespace: "n" });
    expect(flags[flags.indexOf("--datapath") + 1]).to.equal("linux");
  });
  it("is refused without an image, with a name that is no interface, and outside of datapath Linux", () => {
    expect(controllerProblems({ datapath: "Linux" }).map((p) => p.path)).to.deep.equal(["controller.nodeAgent.image"]);
    const bad = controllerProblems({ datapath: "Linux", nodeAgent: { image: "i", networks: { blue: "a b" } } });
    expect(bad.map((p) => p.path)).to.deep.equal(["controller.nodeAgent.networks.blue"]);
    expect(controllerProblems({ nodeAgent: { image: "i" } }).map((p) => p.path)).to.deep.equal(["controller.nodeAgent"]);
  });
});
