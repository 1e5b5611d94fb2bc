// SPDX-License-Identifier: Apache-2.0
// The journal of each address against what the cloud really did (invariant 1): who may be pointed at, how generations and holders change.
import type { AddressBinding, Holder } from "../../../controller/api";
import type { KubeObject } from "../../../controller/kubernetes";
import type { Write } from "../models/api";
import { collectionOf } from "../world/objects";
import type { Truth } from "./judge";
import type { Tally } from "./tally";

type Vm = Pick<Holder, "zone" | "instance">;
/** The Pod that a node agent has programmed. */
export interface Told {
  pod: string;
  podUid: string;
}
/** UIDs of the simulated API server are numbers that grow. */
const serial = (uid: string | undefined): number => Number(uid?.replace(/\D/g, "") ?? 0);
/** A journal that said Held, as long as it did. */
export interface Held {
  routeUid: string;
  holder: Holder;
  routeVersion: number;
  /** From another Pod, not from nobody. */
  moved: boolean;
  since: number;
  until: number;
}
const sameVm = (a: Vm | undefined, b: Vm | undefined): boolean =>
  a !== undefined && b !== undefined && a.zone === b.zone && a.instance === b.instance;
const sameHolder = (a: Holder | undefined, b: Holder | undefined): boolean => a?.podUID === b?.podUID && sameVm(a, b);
const named = (vm: Vm | undefined): string => (vm ? vm.instance : "nothing");

function heldIn({ spec, status }: AddressBinding, since: number): Held | undefined {
  if (status?.phase !== "Held" || !status.holder) return undefined;
  const routeVersion = Number(status.routeVersion ?? 0);
  return {
    routeUid: spec.route.uid,
    holder: status.holder,
    routeVersion,
    moved: status.lastMove?.from !== undefined,
    since,
    until: Infinity,
  };
}

export class Journals {
  /** Journals that said Held, by address, the newest last. */
  readonly held = new Map<string, Held[]>();
  /** Where rules have really pointed, by address. */
  private readonly pointing = new Map<string, { vm: Vm | undefined; at: number }[]>();
  private readonly switchedAt = new Map<string, number>();
  /** Addresses whose claim somebody deleted by hand: what was under way then is nobody's fault. */
  private readonly robbed = new Set<string>();

  constructor(
    private readonly tally: Tally,
    private readonly truth: Truth,
    private readonly agents: boolean,
  ) {}

  bindingOf(address: string): AddressBinding | undefined {
    return this.truth.api.all<KubeObject>(collectionOf("binding")).find((b) => (b as AddressBinding).spec.address === address) as
      AddressBinding | undefined;
  }
  excused(address: string): boolean {
    return this.robbed.has(address);
  }
  /** The rule of an address points somewhere from now on, or is gone. */
  pointsAt(address: string, vm: Vm | undefined): void {
    this.pointing.set(address, [...(this.pointing.get(address) ?? []).slice(-20), { vm, at: this.truth.now() }]);
  }
  /** The cloud accepted to point the rule of an address at a VM. */
  pointed(who: string, address: string, vm: Vm | undefined): void {
    if (this.robbed.has(address)) return;
    const status = this.bindingOf(address)?.status;
    const allowed = status?.phase === "Switching" ? status.next : status?.phase === "Held" ? status.holder : undefined;
    this.tally.test(
      "1-holder",
      this.truth.now(),
      sameVm(allowed, vm),
      () =>
        `${who} points ${address} at ${named(vm)}, but the journal is ${status?.phase ?? "absent"} g${status?.generation ?? 0} and allows ${named(allowed)}`,
    );
  }

  wrote({ who, before, after }: Write): void {
    const [old, now] = [before as AddressBinding | undefined, after as AddressBinding | undefined];
    const address = (now ?? old)!.spec.address;
    this.remember(address, now);
    if (!/^c\d/.test(who)) return void (now === undefined && this.robbed.add(address));
    if (!now) return;
    if (now.status?.phase === "Preparing") this.robbed.delete(address);
    if (!old || old.metadata.uid !== now.metadata.uid) return;
    this.generation(address, old, now);
    this.phase(address, old, now);
  }
  private remember(address: string, now: AddressBinding | undefined): void {
    const list = this.held.get(address) ?? [];
    const open = list.at(-1);
    if (open?.until === Infinity) open.until = this.truth.now();
    const held = now && heldIn(now, this.truth.now());
    this.held.set(address, held ? [...list.slice(-11), held] : list);
  }
  private generation(address: string, old: AddressBinding, now: AddressBinding): void {
    const [a, b] = [old.status?.generation ?? 0, now.status?.generation ?? 0];
    const wish = ({ status }: AddressBinding): string => {
      const { podUID = "", instance = "" }: Partial<Holder> = status?.next ?? status?.holder ?? {};
      return `${podUID} ${instance}`;
    };
    // Whoever is to hold the address next is decided once in a generation.
    const raised = b > a || wish(old) === wish(now) || now.status === undefined;
    this.tally.test(
      "1-journal",
      this.truth.now(),
      b >= a && raised,
      () => `generation of ${address} went from ${a} to ${b} while ${wish(old)} became ${wish(now)}`,
    );
  }
  private phase(address: string, old: AddressBinding, now: AddressBinding): void {
    const { status } = now;
    const was = old.status?.phase;
    if (status?.phase === "Switching" && was !== "Switching") this.switches(address, now);
    if (status?.phase !== "Held" || was === "Held") return;
    this.tally.count("moves");
    this.tally.count(`moves:${status.lastMove?.cause}`);
    this.becameHeld(address, old, now);
  }
  private becameHeld(address: string, old: AddressBinding, { status }: AddressBinding): void {
    const was = old.status?.phase;
    const holder = status?.holder;
    const since = this.switchedAt.get(address) ?? 0;
    const there = (this.pointing.get(address) ?? []).filter(
      (p, i, all) => (all[i + 1]?.at ?? Infinity) >= since && sameVm(p.vm, holder),
    );
    const good = was === "Switching" && sameHolder(old.status?.next, holder) && (there.length > 0 || this.robbed.has(address));
    this.tally.test(
      "1-journal",
      this.truth.now(),
      good,
      () =>
        `${address} is Held by ${holder?.pod} on ${named(holder)} after ${was}, next ${old.status?.next?.pod}; its rule pointed at ${this.whereto(address)}`,
    );
  }
  private whereto(address: string): string {
    return (this.pointing.get(address) ?? []).map((p) => named(p.vm)).join(", ");
  }
  private switches(address: string, now: AddressBinding): void {
    this.switchedAt.set(address, this.truth.now());
    if (!this.agents) return;
    const reset = Number(now.status?.routeVersion ?? 0);
    const { next } = now.status ?? {};
    const said = this.prepared.get(now.spec.route.uid) ?? [];
    // The agent may know a newer Pod of the name than the controller does; an older one proves nothing.
    const proof = said.find((p) => p.pod === next?.pod && serial(p.podUid) >= serial(next?.podUID) && p.version > reset);
    this.tally.test(
      "1-holder",
      this.truth.now(),
      proof !== undefined,
      () =>
        `${address} switches to ${next?.pod} ${next?.podUID} (reset at ${reset}), but the node agent said ${JSON.stringify(said)}`,
    );
  }
  /** What node agents have said, by UID of the route. */
  readonly prepared = new Map<string, (Told & { version: number })[]>();
}
