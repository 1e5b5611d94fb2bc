// SPDX-License-Identifier: Apache-2.0
// One configured gcp provider: the bridge's behaviour (pulumi-terraform-bridge) over the tables of this folder.
import { randomBytes } from "node:crypto";
import { diffInputs, type DiffResult } from "../diff";
import { refreshedInputs } from "../refresh";
import {
  ProviderError,
  type CheckInput,
  type Checked,
  type CreateInput,
  type DeleteInput,
  type DiffInput,
  type Live,
  type ReadInput,
  type Session,
  type UpdateInput,
} from "../provider";
import { at, isRecord, same, steps, textAt, UNKNOWN, type Json, type Props } from "../value";
import { checkResource, labelOutputs, type GcpSettings } from "./check";
import { COMPUTE_KINDS } from "./compute";
import { CLUSTER, NODE_POOL } from "./container";
import { otherKind, STORED_KINDS } from "./generic";
import { immutableOf } from "./immutable";
import { Functions } from "./invoke";
import { sameReference, type Kind } from "./kind";
import { shrinks } from "./ranges";
import { CloudError, isGone, type Cloud } from "./rest";
import type { GcpSdk, SdkClass } from "./sdk";

const KINDS: Readonly<Record<string, Kind>> = {
  "gcp:container/cluster:Cluster": CLUSTER,
  "gcp:container/nodePool:NodePool": NODE_POOL,
  ...COMPUTE_KINDS,
  ...STORED_KINDS,
};

export class GcpSession implements Session {
  private readonly functions: Functions;

  constructor(
    private readonly settings: GcpSettings,
    private readonly cloud: Cloud,
    private readonly sdk: GcpSdk,
  ) {
    this.functions = new Functions(settings, cloud, (type) => this.kindOf(type), sdk);
  }

  check(q: CheckInput): Promise<Checked> {
    return Promise.resolve(
      checkResource(this.kindOf(q.type), this.settings, q, () => randomBytes(4).toString("hex").slice(0, 7)),
    );
  }

  diff(q: DiffInput): Promise<DiffResult> {
    const kind = this.kindOf(q.type);
    const about = this.sdk.describe(q.type);
    const grown = q.type.endsWith(":Subnetwork") && shrinks(q.oldInputs.ipCidrRange, q.news.ipCidrRange) ? ["ipCidrRange"] : [];
    const diff = diffInputs({
      oldInputs: q.oldInputs,
      news: q.news,
      ignore: q.ignore,
      immutable: [...immutableOf(q.type, about.inputs), ...grown],
      equal: (path, a, b) => noChange({ kind, about, q, path, a, b }),
      keepsName: kind.id({ ...q.olds, ...q.oldInputs }) === kind.id({ ...q.olds, ...q.news }),
    });
    return Promise.resolve(diff);
  }

  async create(q: CreateInput): Promise<{ id: string; outs: Props }> {
    const kind = this.kindOf(q.type);
    const about = this.sdk.describe(q.type);
    const labels = labelOutputs(kind, this.settings, q.inputs);
    if (q.preview) return { id: "", outs: { ...unknowns(about), ...q.inputs, ...labels } };
    const inputs = { ...q.inputs, ...labels };
    await this.told("creating", kind, () => kind.create(this.cloud, inputs));
    const outs = await this.outputs({ kind, about, inputs, state: {} });
    if (outs === undefined)
      throw new ProviderError("NotFound", `Error creating ${kind.label}: it is gone right after its creation`);
    return { id: kind.id(outs), outs };
  }

  async read(q: ReadInput): Promise<Live | undefined> {
    const kind = this.kindOf(q.type);
    const about = this.sdk.describe(q.type);
    const known = Object.keys(q.inputs).length > 0;
    const base = known ? { ...q.state, ...q.inputs } : this.fromId(kind, q);
    const live = await this.told("reading", kind, () => this.outputs({ kind, about, inputs: base, state: q.state }));
    if (live === undefined) return undefined;
    const outs = ownLabels(kind, q, live);
    const inputs = known ? refreshedInputs(q.inputs, q.state, outs) : imported(about, outs);
    return { id: kind.id(outs), outs, inputs };
  }

  async update(q: UpdateInput): Promise<Props> {
    const kind = this.kindOf(q.type);
    const about = this.sdk.describe(q.type);
    const labels = labelOutputs(kind, this.settings, q.news);
    // An accurate bridge preview: what the cloud computed before stays known while an update is planned.
    const dropped = Object.keys(q.oldInputs).filter((k) => q.news[k] === undefined && !about.computed.has(k));
    const planned = { ...q.olds, ...q.news, ...labels };
    for (const key of dropped) delete planned[key];
    if (q.preview) return planned;
    await this.told("updating", kind, () => kind.update(this.cloud, ...sides(q, about, labels)));
    const outs = await this.outputs({ kind, about, inputs: { ...q.news, ...labels }, state: planned });
    if (outs === undefined) throw new ProviderError("NotFound", `Error updating ${kind.label} "${q.id}": it is gone`);
    return outs;
  }

  async delete(q: DeleteInput): Promise<void> {
    const kind = this.kindOf(q.type);
    const policy = textAt(q.state, "deletionPolicy");
    if (policy === "ABANDON") return;
    if (policy === "PREVENT")
      throw new ProviderError("Refused", `cannot destroy ${kind.label} "${q.id}": deletion_policy is set to PREVENT`);
    await this.told("deleting", kind, async () => {
      try {
        await kind.delete(this.cloud, q.state);
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    });
  }

  invoke(token: string, args: Props): Promise<Props> {
    return this.functions.call(token, args);
  }

  private kindOf(type: string): Kind {
    return KINDS[type] ?? otherKind(type, this.sdk.describe(type).inputs);
  }

  private fromId(kind: Kind, q: ReadInput): Props {
    const parts = kind.fromId(q.id);
    if (parts === undefined)
      throw new ProviderError(
        "Refused",
        `id "${q.id}" is not one of ${kind.label}: expected the form ${kind.id({ name: "NAME" })}`,
      );
    const { project, region, zone } = this.settings;
    const place: Props = {};
    if (region !== undefined) Object.assign(place, { region, location: region });
    return { project, ...(zone === undefined ? {} : { zone }), ...place, ...parts };
  }

  private async outputs(r: { kind: Kind; about: SdkClass; inputs: Props; state: Props }): Promise<Props | undefined> {
    const live = await r.kind.read(this.cloud, r.inputs);
    if (live === undefined) return undefined;
    const sticky = Object.fromEntries((r.kind.sticky ?? []).flatMap((k) => known(k, r.inputs[k] ?? r.state[k])));
    const empty = Object.fromEntries(Object.entries(r.about.zero).filter(([k]) => r.inputs[k] === undefined));
    return { ...empty, ...r.state, ...r.inputs, ...live, ...sticky };
  }

  private async told<T>(doing: string, kind: Kind, f: () => Promise<T>): Promise<T> {
    try {
      return await f();
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      const code = error.status === 409 ? "Conflict" : "Refused";
      throw new ProviderError(code, `Error ${doing} ${kind.label}: ${error.message}`, { cause: error });
    }
  }
}

// What to compare in an update: the inputs of then and of now. A computed input that is left out now keeps its value.
function sides(q: UpdateInput, about: SdkClass, labels: Props): [Props, Props] {
  const kept = Object.entries(q.oldInputs).filter(([k]) => q.news[k] === undefined && about.computed.has(k));
  const before = q.olds.effectiveLabels;
  const olds = { ...q.oldInputs, ...(before === undefined ? {} : { effectiveLabels: before }) };
  return [olds, { ...Object.fromEntries(kept), ...q.news, ...labels }];
}

// Of the cloud's labels only those that the program manages are its inputs.
function ownLabels(kind: Kind, q: ReadInput, outs: Props): Props {
  if (kind.labels === undefined) return outs;
  const own = q.inputs[kind.labels];
  const live = outs.effectiveLabels;
  if (!isRecord(own) || !isRecord(live)) return outs;
  return { ...outs, [kind.labels]: Object.fromEntries(Object.keys(own).flatMap((k) => known(k, live[k]))) };
}

const known = (key: string, v: Json | undefined): [string, Json][] => (v === undefined ? [] : [[key, v]]);

function unknowns(about: SdkClass): Props {
  return Object.fromEntries([...about.outputOnly, ...about.computed].map((key) => [key, UNKNOWN]));
}

// Terraform plans against the state, not the last inputs: what the cloud already has is no change, a left-out value that the
// cloud had computed is kept, and a resource may be named by name, id or URL.
function noChange(c: {
  kind: Kind;
  about: SdkClass;
  q: DiffInput;
  path: string;
  a: Json | undefined;
  b: Json | undefined;
}): boolean {
  const top = steps(c.path)[0] ?? "";
  if (top === "nodeCount" && c.q.news.ignoreNodeCountChanges === true) return true;
  if (c.b === undefined) return c.path === top && c.about.computed.has(top);
  if (same(at(c.q.olds, c.path), c.b)) return true;
  return c.kind.references.includes(top) && (sameReference(c.a, c.b) || sameReference(at(c.q.olds, c.path), c.b));
}

// Inputs of an imported resource: all that is an input and has a value that says something.
function imported(about: SdkClass, outs: Props): Props {
  const says = (v: Json): boolean => v !== "" && v !== null && !(typeof v === "object" && Object.keys(v).length === 0);
  return Object.fromEntries(Object.entries(outs).filter(([k, v]) => about.inputs.has(k) && says(v) && !same(v, about.zero[k])));
}
