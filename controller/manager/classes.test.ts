// SPDX-License-Identifier: Apache-2.0
// GatewayClasses of ours under the leader: accepted, the version of the CRDs judged, held while in use (E38, api.md 6.1).
import { expect } from "chai";
import { GATEWAY_CLASS_FINALIZER, GKE_CLASSES, OWN_CLASSES, type GatewayClass } from "../api";
import { classOf, gatewayOf } from "../core/testing";
import { supportedVersion } from "./classes";
import { pathOf, TestWorld, type Leader } from "./testing-world";

const CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gatewayclasses.gateway.networking.k8s.io";
const USED = GKE_CLASSES.External;

describe("GatewayClasses under the leader", () => {
  let w: TestWorld;
  let l: Leader;
  const begin = async (version?: string): Promise<void> => {
    w = new TestWorld();
    if (version) {
      const annotations = { "gateway.networking.k8s.io/bundle-version": version };
      w.api.put(CRD, { metadata: { name: "gatewayclasses.gateway.networking.k8s.io", annotations } });
    }
    l = await w.boot();
    await l.run();
  };
  const found = (name: string): GatewayClass => w.api.get<GatewayClass>(pathOf("gatewayClass", name))!;
  const finalizers = (name: string): string[] => found(name).metadata.finalizers ?? [];
  const condition = (type: string) => found(USED).status?.conditions?.find((c) => c.type === type);
  afterEach(() => l.stop());

  it("holds a class while a Gateway uses it, and lets it go with the last one (E37)", async () => {
    await begin();
    expect([finalizers(USED), finalizers(OWN_CLASSES.External)]).to.deep.equal([[GATEWAY_CLASS_FINALIZER], []]);
    w.api.remove(pathOf("gateway", "allowed-pod-ips"));
    await l.run();
    expect(finalizers(USED)).to.deep.equal([]);
  });
  it("follows a Gateway to another class (E38)", async () => {
    await begin();
    w.put("gateway", gatewayOf({ spec: { gatewayClassName: OWN_CLASSES.External } }));
    await l.run();
    expect([finalizers(USED), finalizers(OWN_CLASSES.External)]).to.deep.equal([[], [GATEWAY_CLASS_FINALIZER]]);
  });
  it("puts nothing on a class of another controller", async () => {
    await begin();
    w.put("gatewayClass", classOf("foreign", "example.com/other"));
    w.put("gateway", gatewayOf({ metadata: { name: "theirs" }, spec: { gatewayClassName: "foreign" } }));
    await l.run();
    expect([finalizers("foreign"), found("foreign").status]).to.deep.equal([[], undefined]);
  });
  it("SupportedVersion: says of the Gateway API CRDs whether they will do, and writes it once (T2)", async () => {
    await begin("v1.2.1");
    expect([condition("Accepted")?.status, condition("SupportedVersion")?.status]).to.deep.equal(["True", "True"]);
    w.api.writes();
    l.reconciler.everything("background");
    await l.run();
    expect(w.api.writes()).to.deep.equal([]);
  });
  it("UnsupportedVersion: names the version that is there and the one that is needed, and goes on (E45)", async () => {
    await begin("v0.8.1");
    expect(condition("SupportedVersion")).to.include({ status: "False", reason: "UnsupportedVersion" });
    expect(condition("SupportedVersion")?.message).to.contain("v0.8.1").and.contain("v1.0.0");
    expect(condition("Accepted")?.status).to.equal("True");
  });
  it("claims nothing where the CRDs do not say, or may not be read (E45)", async () => {
    await begin();
    expect(condition("SupportedVersion")).to.equal(undefined);
    expect(supportedVersion("v2.0.0")[0]?.status).to.equal("False");
    expect(supportedVersion("v1.6.1")[0]?.reason).to.equal("SupportedVersion");
  });
});
