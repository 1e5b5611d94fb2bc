// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { ComputeError, type Fence } from "../compute";
import { silentLogger } from "../kubernetes";
import { settle } from "../kubernetes/testing";
import { CloudView } from "./cloud";
import { Targets, type TargetKey } from "./targets";
import { MemoryCloud } from "./testing-fabric";

const A: TargetKey = { zone: "z", instance: "vm-a", node: "a" };
const B: TargetKey = { zone: "z", instance: "vm-b", node: "b", vpc: "blue" };

describe("Target instances", () => {
  let fabric: MemoryCloud;
  let cloud: CloudView;
  let targets: Targets;
  let leading: boolean;
  const warned: string[] = [];
  const fence: Fence = {
    check: (method) => {
      if (!leading) throw new ComputeError({ code: "Fenced", method, message: "fenced" });
    },
  };
  beforeEach(() => {
    leading = true;
    warned.length = 0;
    fabric = new MemoryCloud();
    cloud = new CloudView(fabric, { project: "p", region: "r", clusterUid: "c" });
    const logger = { ...silentLogger, warn: (_: object, message: string) => void warned.push(message) };
    targets = new Targets({ fabric, fence, cloud, clusterUid: "c", logger });
  });
  /** Holds a method until the answer is called. */
  const hold = (method: string): (() => void) => {
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    fabric.gate = (m) => (m === method ? gate : Promise.resolve());
    return go;
  };
  const names = (): string[] => [...fabric.targets.keys()];

  it("are made ahead of need, each once, however many ask", async () => {
    targets.want("r1", [A, B]);
    targets.want("r2", [A]);
    await Promise.all([targets.ensure(A), targets.ensure(A), targets.ensure(B)]);
    expect(names()).to.have.members([targets.nameOf(A), targets.nameOf(B)]);
    expect(fabric.done).to.have.length(2);
  });

  it("are swept when the last route does not want them any more, and not before", async () => {
    targets.want("r1", [A]);
    targets.want("r2", [A, B]);
    await settle();
    targets.want("r1", []);
    await targets.sweep();
    expect(names()).to.have.length(2);
    targets.want("r2", [B]);
    await targets.sweep();
    expect(names()).to.deep.equal([targets.nameOf(B)]);
  });

  it("are not swept before each route that was there has been looked at", async () => {
    await targets.ensure(A);
    targets.expect(["r1", "r2"]);
    targets.heard("r1");
    await targets.sweep();
    expect(names()).to.have.length(1);
    targets.heard("r2");
    await targets.sweep();
    expect(names()).to.have.length(0);
  });

  it("stay wanted by a route that stands still, whatever it wanted before", async () => {
    targets.want("r1", [A]);
    targets.keep("r1", [B]);
    await settle();
    await targets.sweep();
    expect(names()).to.have.length(2);
    targets.want("r1", []);
    await targets.sweep();
    expect(names()).to.have.length(0);
  });

  it("that a rule uses, or that cannot be removed now, stay, and do not hold up the others", async () => {
    await targets.ensure(A);
    await targets.ensure(B);
    const path = `projects/p/zones/z/targetInstances/${targets.nameOf(A)}`;
    fabric.addRule({ name: "rule", address: "1.2.3.4", target: path });
    await targets.sweep();
    expect(names()).to.deep.equal([targets.nameOf(A)]);
    expect(warned).to.deep.equal([]);
    fabric.rules.clear();
    fabric.failures.set("targetInstances.delete", [new ComputeError({ code: "PermissionDenied", method: "m", message: "no" })]);
    await targets.sweep();
    expect(warned).to.deep.equal(["target instance not removed"]);
    await targets.sweep();
    expect(names()).to.deep.equal([]);
  });

  it("that a route begins to need while it is being removed is made again, and nobody is given the one that goes", async () => {
    await targets.ensure(A);
    const go = hold("targetInstances.delete");
    const sweeping = targets.sweep();
    await settle();
    targets.want("r1", [A]);
    const wanted = targets.ensure(A);
    let given = false;
    void wanted.then(() => (given = true));
    await settle();
    expect(given).to.equal(false);
    go();
    await sweeping;
    expect((await wanted).name).to.equal(targets.nameOf(A));
    expect(names()).to.deep.equal([targets.nameOf(A)]);
    expect(fabric.done.map((d) => d.split(" ")[0])).to.deep.equal([
      "targetInstances.insert",
      "targetInstances.delete",
      "targetInstances.insert",
    ]);
  });

  it("being made are not swept", async () => {
    const go = hold("targetInstances.insert");
    const made = targets.ensure(A);
    await settle();
    await targets.sweep();
    go();
    await made;
    await targets.sweep();
    expect(fabric.done.map((d) => d.split(" ")[0])).to.deep.equal(["targetInstances.insert", "targetInstances.delete"]);
  });

  it("E20: that are looked at again, because their VM is another one, are not swept meanwhile", async () => {
    cloud.rememberTarget({ ...(await targets.ensure(A)), vmReplaced: true });
    const go = hold("ensureTarget");
    const looked = targets.ensure(A);
    await settle();
    await targets.sweep();
    expect(names()).to.have.length(1);
    go();
    await looked;
  });

  it("that somebody deleted are made again", async () => {
    targets.want("r1", [A]);
    await settle();
    fabric.targets.clear();
    await cloud.refresh();
    targets.restore();
    await settle();
    expect(names()).to.deep.equal([targets.nameOf(A)]);
  });

  it("that could not be made ahead of need are logged, not thrown, and made when they are needed", async () => {
    fabric.failures.set("targetInstances.insert", [new ComputeError({ code: "NotFound", method: "m", message: "no VM" })]);
    targets.want("r1", [A]);
    await settle();
    expect(warned).to.deep.equal(["target instance not made yet"]);
    await targets.ensure(A);
    expect(names()).to.have.length(1);
  });

  it("F3 E62: a sweep without the lease removes nothing and says Fenced", async () => {
    await targets.ensure(A);
    leading = false;
    const error = await targets.sweep().then(
      () => undefined,
      (e: unknown) => e as ComputeError,
    );
    expect(error?.code).to.equal("Fenced");
    expect(names()).to.have.length(1);
    leading = true;
    await targets.sweep();
    expect(names()).to.have.length(0);
  });
});
