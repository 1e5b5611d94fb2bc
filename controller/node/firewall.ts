// SPDX-License-Identifier: Apache-2.0
// nftables on the node: looks what others have there, and keeps what of ours is needed, each part only where something calls for it.
import { messageOf } from "./errors";
import {
  dropsAt,
  foreignChains,
  forwardScript,
  hasMark,
  hasRules,
  TABLE,
  tableScript,
  type ChainName,
  type ForeignChains,
  type NftWish,
} from "./nft-rules";
import type { Logger } from "./ports";
import type { IngressChain } from "./probes";
import type { Run } from "./run";

export type Mode = "auto" | "on" | "off";
export interface FirewallOptions {
  run: Run;
  logger: Logger;
  antiSpoof: Mode;
  /** Masquerade exemption. */
  keepSource: Mode;
  /** ACCEPT rules in FORWARD chains that drop. */
  forwardAccept: "auto" | "off";
}
export interface Detected {
  usable: boolean;
  masquerades: boolean;
  dropping: ChainName[];
  /** Chains that drop no more, with rules of ours from the time when they did. */
  left: ChainName[];
  ingress: IngressChain[];
}
const NOTHING: Detected = { usable: false, masquerades: false, dropping: [], left: [], ingress: [] };

export class Firewall {
  private last = "";
  private own: NftWish["own"] = [];
  private complained = false;

  constructor(private readonly o: FirewallOptions) {}

  private get off(): boolean {
    return this.o.antiSpoof === "off" && this.o.keepSource === "off" && this.o.forwardAccept === "off";
  }

  /** What others have. Where nft cannot be used, nothing is known, and only that is said. */
  async detect(): Promise<Detected> {
    try {
      const found = foreignChains(await this.list("chains"));
      return await this.details(found);
    } catch (error) {
      if (!this.complained && !this.off)
        this.o.logger.warn({ error: messageOf(error) }, "nftables cannot be used; its parts are left out");
      this.complained = true;
      return NOTHING;
    }
  }
  private async details(found: ForeignChains): Promise<Detected> {
    const ingress: IngressChain[] = [];
    for (const c of found.ingress) {
      const text = await this.o.run(["nft", "list", "chain", c.family, c.table, c.chain]);
      for (const dev of dropsAt(text)) ingress.push({ table: c.table, chain: c.chain, dev });
    }
    let masquerades = false;
    for (const c of found.translating) masquerades ||= hasRules(await this.chain(c));
    const left: ChainName[] = [];
    // One that is gone meanwhile has taken our rules with it.
    for (const c of found.accepting) if (hasMark(await this.chain(c).catch(() => undefined))) left.push(c);
    return { usable: true, masquerades, dropping: found.dropping, left, ingress };
  }

  /**
   * Makes our part what the wish and what was detected ask for. Does nothing where neither has changed, unless `afresh`.
   * `widen` lets those go on who might send until now.
   * @returns how many changes were made @throws NodeError
   */
  async sync(
    wish: Omit<NftWish, "antiSpoof" | "keepSource">,
    detected: Detected,
    { step, afresh }: { step: "widen" | "exact"; afresh: boolean },
  ): Promise<number> {
    if (!detected.usable) return 0;
    const known = new Set(wish.addresses);
    const before = step === "widen" ? this.own.filter((o) => known.has(o.address)) : [];
    const { antiSpoof, keepSource, forwardAccept } = this.o;
    const full: NftWish = {
      ...wish,
      own: uniqueOwn([...wish.own, ...before]),
      antiSpoof: antiSpoof !== "off",
      keepSource: keepSource === "on" || (keepSource === "auto" && detected.masquerades),
    };
    const key = JSON.stringify([full, detected.dropping, detected.left]);
    if (key === this.last && !afresh) return 0;
    const through = forwardAccept === "auto" ? [...new Set(full.own.map((o) => o.address))].sort() : [];
    let changes = await this.ownTable(full);
    changes += (await this.letThrough(detected.dropping, through)) + (await this.letThrough(detected.left, []));
    this.last = key;
    this.own = full.own;
    return changes;
  }
  /** Removes everything of ours. @throws NodeError */
  async cleanup(): Promise<number> {
    const detected = await this.detect();
    if (!detected.usable) return 0;
    const nothing: NftWish = { addresses: [], own: [], nics: [], antiSpoof: false, keepSource: false };
    return (await this.ownTable(nothing)) + (await this.letThrough([...detected.dropping, ...detected.left], []));
  }

  private async ownTable(wish: NftWish): Promise<number> {
    const listed = await this.list(`table ip ${TABLE}`).catch(() => undefined);
    const script = tableScript(listed, wish);
    if (script) await this.apply(script);
    return script ? 1 : 0;
  }
  private async letThrough(chains: readonly ChainName[], addresses: readonly string[]): Promise<number> {
    let changes = 0;
    for (const chain of chains) {
      const script = forwardScript(await this.chain(chain), chain, addresses);
      if (script.length > 0) await this.apply(script);
      changes += script.length;
    }
    return changes;
  }
  private chain(c: ChainName): Promise<unknown> {
    return this.list(`chain ${c.family} ${c.table} ${c.chain}`);
  }
  private async list(what: string): Promise<unknown> {
    return JSON.parse(await this.o.run(["nft", "-j", "list", ...what.split(" ")])) as unknown;
  }
  private async apply(nftables: object[]): Promise<void> {
    // nft opens /dev/stdin by its name, which cannot be done with the socket that Node gives a child; a pipe can be opened.
    await this.o.run(["sh", "-c", "cat | nft -j -f -"], JSON.stringify({ nftables }));
  }
}

/** In one order, so that the same wish is the same text. */
function uniqueOwn(own: NftWish["own"]): NftWish["own"] {
  const byKey = new Map(own.map((o) => [`${o.veth} ${o.address}`, o]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, o]) => o);
}
