// SPDX-License-Identifier: Apache-2.0
// An address that goes from one route to another must not have a gap (E23, E34): nobody begins to give it back while he has known of an heir.
import type { AddressBinding, Gateway, GKEIPRoute } from "../../../controller/api";
import type { KubeObject } from "../../../controller/kubernetes";
import type { Write } from "../models/api";
import { collectionOf, GATEWAY, pathOf } from "../world/objects";
import { LATENCY_MS } from "./choices";
import type { Truth } from "./judge";
import type { Known } from "./known";
import type { Tally } from "./tally";

type Route = GKEIPRoute & KubeObject;
const NETWORKS = collectionOf("network");
const GATEWAYS = collectionOf("gateway");
const addressesOf = (r: { spec?: { addresses?: { value?: string }[] } }): string[] =>
  (r.spec?.addresses ?? []).map((a) => (a.value ?? "").replace(/\/32$/, ""));

/** Only what leaves no doubt is judged: a Gateway and a network that nobody has touched, an heir whose every address nobody else wants. */
export class Heirs {
  private doubt = false;

  constructor(private readonly o: { tally: Tally; truth: Truth; known: Known }) {}

  /** Any write but those of claims. */
  touched({ collection, method, who, before }: Write): void {
    const furniture = collection === NETWORKS || collection === GATEWAYS;
    if (furniture && before && !(method === "PATCH" && /^c\d/.test(who))) this.doubt = true;
  }
  /** Somebody's rule on an address makes it one that no route is accepted with. */
  foreign(): void {
    this.doubt = true;
  }
  wrote({ who, before, after }: Write): void {
    const [old, now] = [before as AddressBinding | undefined, after as AddressBinding | undefined];
    if (this.doubt || now?.status?.phase !== "Releasing" || old?.status?.phase === "Releasing") return;
    const heir = this.heirOf(who, now);
    this.o.tally.test(
      "2-heir",
      this.o.truth.now(),
      heir === undefined,
      () =>
        `${who} gives ${now.spec.address} of ${now.spec.route.name} back, although it knows that ${heir?.metadata.name} wants it`,
    );
  }
  private heirOf(who: string, { spec }: AddressBinding): Route | undefined {
    const { api } = this.o.truth;
    const gateway = api.get<Gateway & KubeObject>(pathOf("gateway", GATEWAY));
    const routes = api.all<Route>(collectionOf("route"));
    const owner = routes.find((r) => r.metadata.uid === spec.route.uid);
    // Where the owner still wants it, it is refused for a reason that may be the heir's too.
    if (!gateway || (owner && !owner.metadata.deletionTimestamp && addressesOf(owner).includes(spec.address))) return undefined;
    const others = routes.filter((r) => r !== owner && addressesOf(r).includes(spec.address));
    return others.find((r) => this.takesOver(who, r, { routes, owner, given: addressesOf(gateway) }));
  }
  private takesOver(
    who: string,
    heir: Route,
    o: { routes: readonly Route[]; owner: Route | undefined; given: string[] },
  ): boolean {
    const { known, truth } = this.o;
    const lately = known.routes(who, heir.metadata.uid ?? "", truth.now() - LATENCY_MS);
    const { generation = 0, name } = heir.metadata;
    const aware = lately.length > 0 && lately.every((v) => !v.deleting && v.generation === generation);
    const since = Math.min(...lately.map((v) => v.at));
    const free = addressesOf(heir).every(
      (a) => o.given.includes(a) && !o.routes.some((r) => r !== heir && r !== o.owner && addressesOf(r).includes(a)),
    );
    const left =
      o.owner && addressesOf(heir).some((a) => addressesOf(o.owner!).includes(a)) && !o.owner.metadata.deletionTimestamp;
    return aware && since < truth.now() - LATENCY_MS && free && !left && !name.startsWith("bad-");
  }
}
