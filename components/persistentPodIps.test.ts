// SPDX-License-Identifier: Apache-2.0
// The all-in-one as the engine sees it: every registration with its options, in a preview and in an update.
import { expect } from "chai";
import { PersistentPodIps } from "./persistentPodIps";
import { record, type Recorded, unknownPaths, valueOf } from "./testing/mocks";
import { goodArgs } from "./testing/programs";

const build = () => new PersistentPodIps("edge", goodArgs());
const isKube = (type: string): boolean => type.startsWith("kubernetes:");

describe("PersistentPodIps, every registration", () => {
  let up: Recorded<PersistentPodIps>;
  let preview: Recorded<PersistentPodIps>;
  before(async () => {
    up = await record(build);
    preview = await record(build, { preview: true });
  });

  it("registers the same resources in a preview as in an update, each once", () => {
    const names = (r: Recorded<unknown>) => r.seen.map((s) => s.urn).sort();
    expect(names(preview)).to.deep.equal(names(up));
    expect(new Set(names(up)).size).to.equal(names(up).length);
    expect(up.seen.length).to.be.greaterThan(35);
  });

  it("gives everything but the outermost component a parent inside the component", () => {
    for (const r of up.seen)
      if (r.type === "gke-persistent-ip:index:PersistentPodIps") expect(r.parent).to.match(/Stack|^$/);
      else expect(r.parent, r.urn).to.contain("gke-persistent-ip:index:");
  });

  it("sends every Kubernetes object to the cluster's own provider, none to a default one", () => {
    const objects = up.seen.filter((r) => isKube(r.type));
    expect(objects.length).to.equal(20);
    for (const r of objects) expect(r.provider, r.urn).to.contain("pulumi:providers:kubernetes::edge-kubernetes::");
  });

  it("hands a provider of the caller to every Google Cloud resource", async () => {
    const { Provider } = await import("@pulumi/gcp/provider");
    const seen = await record(
      () => new PersistentPodIps("edge", goodArgs(), { providers: [new Provider("mine", { project: "p" })] }),
    );
    const cloud = seen.seen.filter((r) => r.type.startsWith("gcp:"));
    expect(cloud.length).to.be.greaterThan(10);
    for (const r of cloud) expect(r.provider, r.urn).to.contain("::mine::");
  });

  it("always sets clusterIdentifier and server-side apply on the provider, and no token in the kubeconfig", async () => {
    const { inputs } = up.one("pulumi:providers:kubernetes", "edge-kubernetes");
    expect(inputs["clusterIdentifier"]).to.equal("edge-id");
    expect(inputs["enableServerSideApply"]).to.equal("true");
    const kubeconfig = await valueOf(up.value.kubeconfig);
    expect(inputs["kubeconfig"]).to.equal(kubeconfig);
    expect(kubeconfig)
      .to.contain("gke-gcloud-auth-plugin")
      .and.not.match(/token|password|client-key/);
  });

  it("SEED-5, SEED-19, SEED-26: makes the cluster with Dataplane V2, multi-networking and the Gateway API", () => {
    expect(up.one("gcp:container/cluster:Cluster", "edge").inputs).to.include({
      datapathProvider: "ADVANCED_DATAPATH",
      enableMultiNetworking: true,
      networkingMode: "VPC_NATIVE",
      location: "europe-west3",
      deletionProtection: true,
    });
    expect(up.one("gcp:container/cluster:Cluster", "edge").inputs["gatewayApiConfig"]).to.deep.equal({
      channel: "CHANNEL_STANDARD",
    });
  });

  it("writes no description anywhere: on immutable resources it would be a replacement waiting to happen", () => {
    for (const r of up.seen.filter((s) => !isKube(s.type))) expect(Object.keys(r.inputs), r.urn).to.not.include("description");
  });

  it("has no aliases of its own yet, since nothing was ever called otherwise; the SDK's are other versions of the same kind", () => {
    const kind = (type: string): string => type.split(":").at(-1)!;
    for (const r of up.seen)
      for (const a of r.aliases)
        expect({ name: a.name, kind: kind(a.type) }, r.urn).to.deep.equal({ name: "", kind: kind(r.type) });
  });

  it("shows real names and specs in the first preview; unknown is only what Google chooses", () => {
    const unknown = Object.fromEntries(
      preview.seen.flatMap((r) =>
        ((paths) => (paths.length === 0 ? [] : [[`${r.type.split(":")[2]} ${r.name}`, paths]]))(unknownPaths(r.inputs)),
      ),
    );
    expect(unknown).to.deep.equal({
      "kubernetes edge-kubernetes": ["clusterIdentifier", "kubeconfig"],
      "IAMMember edge-controller-identity": ["serviceAccountId"],
      "Gateway edge-external": ["spec.addresses[1].value"],
      "GKEIPRoute edge-proxy": ["spec.addresses[0].value"],
    });
  });

  it("keeps the keys of its outputs in a preview, whatever is unknown", () => {
    expect(Object.keys(preview.value.addresses)).to.deep.equal(["web", "sip", "inside"]);
    expect(preview.value.gatewayNames).to.deep.equal({ web: "edge-external", sip: "edge-external", inside: "edge-internal" });
    expect(preview.value.routeNames).to.deep.equal({ proxy: "proxy/edge-proxy", store: "proxy/edge-store" });
  });

  it("depends on nothing but its arguments: two runs send the same inputs", async () => {
    const again = await record(build);
    const inputs = (r: Recorded<unknown>) => new Map(r.seen.map((s) => [s.urn, s.inputs]));
    expect(inputs(again)).to.deep.equal(inputs(up));
  });

  it("does not change the arguments of the caller", async () => {
    const args = goodArgs();
    const before = structuredClone(args);
    await record(() => new PersistentPodIps("edge", args));
    expect(args).to.deep.equal(before);
  });
});
