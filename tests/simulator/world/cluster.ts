// SPDX-License-Identifier: Apache-2.0
// Kubelets, workload controllers, Google's node agents and a person with kubectl, as far as this world needs them. They act on the API server
// directly, without delay: what is slow and broken is the controller's road, never the truth.
import type { GKEIPRoute, Pod } from "../../../controller/api";
import { isApiError, type KubeObject } from "../../../controller/kubernetes";
import type { Chance } from "../engine/chance";
import type { Scheduler } from "../engine/scheduler";
import type { ApiModel, Write } from "../models/api";
import type { CloudModel } from "../models/cloud";
import { OTHER_CONTROLLER } from "../checks/known";
import { collectionOf, nodeManifest, pathOf, podManifest, vmOf, VPC, zoneOf, type KindKey, type Manifest } from "./objects";

export class Cluster {
  /** Longest time a node agent takes, milliseconds. */
  agentMs = 400;
  readonly downNodes = new Set<string>();
  private serial = 0;

  constructor(
    private readonly o: {
      api: ApiModel;
      cloud: CloudModel;
      scheduler: Scheduler;
      chance: Chance;
      agents: boolean;
      programmed(routeUid: string, pod: { pod: string; podUid: string }, version: number): void;
    },
  ) {}

  create(kind: KindKey, manifest: Manifest): KubeObject | undefined {
    return this.tolerant(() => {
      const { namespace } = manifest.metadata;
      return this.o.api.handle("user", {
        method: "POST",
        path: pathOf(kind, undefined, namespace),
        body: manifest,
      }) as KubeObject;
    });
  }
  patch(kind: KindKey, name: string, body: object, sub = ""): void {
    this.tolerant(() => this.o.api.handle("user", { method: "PATCH", path: pathOf(kind, name) + sub, body }));
  }
  remove(kind: KindKey, name: string): void {
    this.tolerant(() => this.o.api.handle("user", { method: "DELETE", path: pathOf(kind, name) }));
  }
  all<T extends KubeObject>(kind: KindKey): T[] {
    return this.o.api.all<T>(collectionOf(kind));
  }
  private tolerant<T>(deed: () => T): T | undefined {
    try {
      return deed();
    } catch (error) {
      if (isApiError(error)) return undefined;
      throw error;
    }
  }

  /** A controller of somebody else decides about a route. */
  decideToo(name: string, pod: string): void {
    const { generation = 0 } = this.o.api.get(pathOf("route", name))?.metadata ?? {};
    const said = { type: "Accepted", status: "True", reason: "Accepted", message: "by another", observedGeneration: generation };
    const conditions = [{ ...said, lastTransitionTime: "2026-01-01T00:00:00Z" }];
    this.tolerant(() =>
      this.o.api.handle("other", {
        method: "PATCH",
        path: `${pathOf("route", name)}/status`,
        contentType: "application/apply-patch+yaml",
        query: { fieldManager: OTHER_CONTROLLER, force: true },
        body: { metadata: { name }, status: { pods: [pod], conditions } },
      }),
    );
  }
  clearStatus(name: string): void {
    this.patch("route", name, { status: null }, "/status");
  }

  addNode(name: string): void {
    this.o.cloud.putInstance(zoneOf(name), vmOf(name), ["default", VPC]);
    this.create("node", nodeManifest(name));
  }
  /** The VM goes, and the cluster notices: the node object and its Pods go too. */
  loseNode(name: string): void {
    this.o.cloud.removeInstance(zoneOf(name), vmOf(name));
    for (const p of this.podsOn(name)) this.dropPod(p.metadata.name, p.metadata.uid);
    this.remove("node", name);
  }
  setNode(name: string, up: boolean): void {
    if (up) this.downNodes.delete(name);
    else this.downNodes.add(name);
    this.patch("node", name, ready(up));
    for (const p of this.podsOn(name)) this.setReady(p.metadata.name, up);
  }
  upNodes(): string[] {
    const names = this.all("node").map((n) => n.metadata.name ?? "");
    return names.filter((n) => n.startsWith("node-") && !this.downNodes.has(n));
  }

  pods(app?: string): Pod[] {
    return this.all<KubeObject>("pod").filter((p) => app === undefined || p.metadata.name?.startsWith(`${app}-`)) as Pod[];
  }
  podsOn(node: string): Pod[] {
    return this.pods().filter((p) => p.spec.nodeName === node);
  }
  /** A new Pod, Ready after a while. Answers its name. */
  newPod(app: string, node: string, readyInMs: number, name = `${app}-${(++this.serial).toString(36)}x`): string {
    const made = this.create("pod", podManifest(name, app, node));
    const uid = made?.metadata.uid;
    if (uid)
      this.o.scheduler.in(readyInMs, () => this.isThere(name, uid) && !this.downNodes.has(node) && this.setReady(name, true));
    return name;
  }
  setReady(name: string, up: boolean): void {
    this.patch("pod", name, ready(up));
  }
  isThere(name: string, uid: string | undefined): boolean {
    return this.o.api.get(pathOf("pod", name))?.metadata.uid === uid;
  }
  /** Deleted with grace: terminating first, gone later. */
  endPod(name: string, graceMs: number, then: () => void = () => undefined): void {
    const pod = this.o.api.get<KubeObject>(pathOf("pod", name));
    if (!pod || pod.metadata.deletionTimestamp) return;
    const { uid } = pod.metadata;
    this.patch("pod", name, { metadata: { finalizers: ["kubelet"] } });
    this.remove("pod", name);
    this.o.scheduler.in(graceMs, () => {
      if (this.isThere(name, uid)) this.dropPod(name, uid);
      then();
    });
  }
  dropPod(name: string, uid: string | undefined): void {
    if (!this.isThere(name, uid)) return;
    if (this.o.api.get(pathOf("pod", name))?.metadata.finalizers) this.patch("pod", name, { metadata: { finalizers: null } });
    this.remove("pod", name);
  }

  /** Google's node agents look at a route some time after it was written. */
  onWrite({ collection, key, before, after }: Write): void {
    if (!this.o.agents || !after) return;
    if (collection === collectionOf("route")) return this.agentsLook(key);
    const news = collection === collectionOf("node") || (collection === collectionOf("pod") && !before);
    if (news) for (const r of this.all("route")) this.agentsLook(`default/${r.metadata.name}`);
  }
  private agentsLook(route: string): void {
    this.o.scheduler.in(20 + this.o.chance.next() * this.agentMs, () => this.agentReads(route));
  }
  private agentReads(key: string): void {
    const route = this.o.api.get<GKEIPRoute>(pathOf("route", key.split("/")[1]));
    const pod = route && this.wantedBy(route);
    if (!route || !pod || says(route, "DPV2Ready")) return;
    // It programs what it has read, and says so under the version it has read: a write in between is a conflict, and it looks again.
    this.o.scheduler.in(5 + this.o.chance.next() * Math.min(500, this.agentMs), () => this.agentWrites(route, pod));
  }
  private wantedBy(route: GKEIPRoute): Pod | undefined {
    const [name, ...more] = route.status?.pods ?? [];
    if (!says(route, "Accepted") || !name || more.length > 0) return undefined;
    const pod = this.o.api.get<KubeObject>(pathOf("pod", name)) as Pod | undefined;
    return pod && !this.downNodes.has(pod.spec.nodeName ?? "") ? pod : undefined;
  }
  private agentWrites(route: GKEIPRoute, pod: Pod): void {
    const { name, resourceVersion, uid = "", generation = 0 } = route.metadata;
    const said = {
      type: "DPV2Ready",
      status: "True",
      reason: "DPV2Ready",
      message: "",
      observedGeneration: generation,
      lastTransitionTime: "2026-01-01T00:00:00Z",
    };
    const written = this.tolerant(() =>
      this.o.api.handle("agent", {
        method: "PATCH",
        path: `${pathOf("route", name)}/status`,
        contentType: "application/apply-patch+yaml",
        query: { fieldManager: "cilium-agent", force: true },
        body: { metadata: { name, resourceVersion }, status: { conditions: [said] } },
      }),
    ) as KubeObject | undefined;
    if (!written) return;
    this.o.programmed(uid, { pod: pod.metadata.name, podUid: pod.metadata.uid ?? "" }, Number(written.metadata.resourceVersion));
  }
}

const ready = (up: boolean): object => ({ status: { conditions: [{ type: "Ready", status: up ? "True" : "False" }] } });
const says = (route: GKEIPRoute, type: string): boolean =>
  route.status?.conditions?.some(
    (c) => c.type === type && c.status === "True" && c.observedGeneration === route.metadata.generation,
  ) ?? false;
