// SPDX-License-Identifier: Apache-2.0
// One configured k8s.Provider: check, diff, create, read, update and delete of objects.
import { createHash, randomBytes } from "node:crypto";
import { diffInputs, NO_DIFF, type DiffResult } from "../diff";
import {
  InitFailed,
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
import { compact, hasUnknown, same, textAt, type Props } from "../value";
import { KubeObjects, isAbsent, type ApplyOptions } from "./api";
import { connect, type ProviderSettings } from "./kubeconfig";
import { checkObject } from "./objectcheck";
import { idOf, identityOf, isPatch, previewed, stored } from "./object";
import { refreshedInputs } from "../refresh";
import { importedInputs } from "./imported";
import { immutablePaths } from "./replace";
import { explain, removeAndWait, waitUntilDone, type Sleep } from "./waiting";
import { annotation } from "./waitfor";
import { isApiError } from "../../../controller/kubernetes/transport";

export const MANAGER = "pulumi-kubernetes-sandbox";

export interface SessionOptions {
  /** Bearer token for kubeconfig users with an exec plugin. */
  execToken?: () => string | undefined;
  sleep?: Sleep;
  /** Milliseconds between tries of a create whose kind or namespace is not there yet. Default 1, 2, 4, 8, 16, 32 s (await.go). */
  retryMs?: readonly number[];
}

const RETRY_MS = [1000, 2000, 4000, 8000, 16_000, 32_000];
const defaultSleep: Sleep = (ms, signal) =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done, { once: true });
  });

export class KubernetesSession implements Session {
  private readonly sleep: Sleep;
  private connected?: KubeObjects;

  constructor(
    private readonly settings: ProviderSettings,
    private readonly options: SessionOptions,
  ) {
    this.sleep = options.sleep ?? defaultSleep;
  }

  check(q: CheckInput): Promise<Checked> {
    return Promise.resolve(checkObject(q, () => randomBytes(4).toString("hex")));
  }

  diff(q: DiffInput): Promise<DiffResult> {
    if (same(q.oldInputs, q.news)) return Promise.resolve(NO_DIFF);
    const where = (o: Props): string =>
      `${textAt(o, "metadata.namespace") || this.settings.namespace}/${textAt(o, "metadata.name") ?? ""}`;
    const diff = diffInputs({
      oldInputs: q.oldInputs,
      news: q.news,
      ignore: q.ignore,
      immutable: immutablePaths(q.news, this.settings),
      equal: (p, a, b) => p === "metadata.namespace" && (a ?? this.settings.namespace) === (b ?? this.settings.namespace),
      keepsName: where(q.oldInputs) === where(q.news),
    });
    return Promise.resolve(diff);
  }

  async create(q: CreateInput): Promise<{ id: string; outs: Props }> {
    if (q.preview) return { id: "", outs: await this.planned(q) };
    const patch = isPatch(q);
    if (!patch && !this.settings.upsert) await this.refuseExisting(q.inputs);
    const made = await this.explained(q.inputs, () => this.applyPatiently(q));
    if (textAt(made, "kind") === "CustomResourceDefinition") this.objects().forget();
    return { id: idOf(made), outs: await this.done(q, made) };
  }

  async read(q: ReadInput): Promise<Live | undefined> {
    const known = Object.keys(q.inputs).length > 0;
    const wanted = known ? identityOf(q.inputs, q.state) : identityFromId(q.type, q.id);
    const live = await this.explained(wanted, () => this.objects().find(wanted));
    if (live === undefined) return undefined;
    const inputs = known ? refreshedInputs(q.inputs, q.state, live) : importedInputs(live, this.managerOf(q, {}));
    return { id: idOf(live), outs: stored(live), inputs };
  }

  async update(q: UpdateInput): Promise<Props> {
    const apply = (dryRun: boolean): Promise<Props> => this.objects().apply(q.news, this.applyOptions(q, q.news, dryRun));
    if (!q.preview) return this.done({ ...q, inputs: q.news }, await this.explained(q.news, () => apply(false)));
    if (hasUnknown(q.news)) return { ...q.olds, ...q.news };
    return stored(await this.explained(q.news, () => apply(true)));
  }

  async delete(q: DeleteInput): Promise<void> {
    const target = identityOf(q.state, q.oldInputs);
    try {
      if (isPatch({ ...q, inputs: target })) return await this.release(q, target);
      await removeAndWait({ objects: this.objects(), target, inputs: q.state, q, sleep: this.sleep });
    } catch (error) {
      if (this.settings.deleteUnreachable && isUnreachable(error)) return;
      throw explain(error, target);
    }
    if (textAt(target, "kind") === "CustomResourceDefinition") this.objects().forget();
  }

  invoke(token: string): Promise<Props> {
    const hint = "the sandbox's kubernetes provider has no functions (yaml and helm need the real plugin)";
    return Promise.reject(new ProviderError("NotSupported", `${token}: ${hint}`));
  }

  async close(): Promise<void> {
    await this.connected?.close();
  }

  private objects(): KubeObjects {
    const token = this.options.execToken ?? (() => undefined);
    this.connected ??= new KubeObjects(connect(this.settings, token), this.settings.namespace);
    return this.connected;
  }

  // What the object would be. Unknown inputs, a missing kind or namespace, and an object that is about to be replaced under its
  // own name cannot be asked about; the inputs stand for the outputs then, as in the real provider.
  private async planned(q: CreateInput): Promise<Props> {
    if (hasUnknown(q.inputs)) return q.inputs;
    return this.explained(q.inputs, async () => {
      try {
        if (!isPatch(q) && (await this.objects().find(q.inputs)) !== undefined) return q.inputs;
        return previewed(await this.objects().apply(q.inputs, this.applyOptions(q, q.inputs, true)), q.inputs);
      } catch (error) {
        if (isAbsent(error) || isApiError(error, "Forbidden")) return q.inputs;
        throw error;
      }
    });
  }

  private async refuseExisting(inputs: Props): Promise<void> {
    const there = await this.explained(inputs, () => this.objects().find(inputs));
    if (there === undefined) return;
    const id = idOf(there);
    const advice = "import it, patch it with a ...Patch resource, or set upsertExistingObjects on the provider";
    throw new ProviderError(
      "Conflict",
      `resource "${id}" was not created: ${textAt(inputs, "kind") ?? ""} "${id}" already exists; ${advice}`,
    );
  }

  private async applyPatiently(q: CreateInput): Promise<Props> {
    const delays = this.options.retryMs ?? RETRY_MS;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.objects().apply(q.inputs, this.applyOptions(q, q.inputs, false));
      } catch (error) {
        const wait = delays[attempt];
        if (!isAbsent(error) || wait === undefined || q.signal.aborted) throw error;
        this.objects().forget();
        await this.sleep(wait, q.signal);
      }
    }
  }

  private async done(q: CreateInput, applied: Props): Promise<Props> {
    const result = await waitUntilDone({ objects: this.objects(), applied, inputs: q.inputs, q, sleep: this.sleep });
    if (result.failure === undefined) return stored(result.live);
    throw new InitFailed(idOf(applied), stored(result.live), q.inputs, [result.failure]);
  }

  // Applying an object without any field gives up what only we own and leaves the rest to its other managers.
  private async release(q: DeleteInput, target: Props): Promise<void> {
    if ((await this.objects().find(target)) === undefined) return;
    await this.objects().apply(target, this.applyOptions(q, q.state, false));
  }

  private applyOptions(q: { urn: string; type: string; signal: AbortSignal }, inputs: Props, dryRun: boolean): ApplyOptions {
    const force = this.settings.patchForce || annotation(inputs, "patchForce") === "true";
    return { manager: this.managerOf(q, inputs), force, dryRun, signal: q.signal };
  }

  // A patch needs a manager of its own: an apply takes away what the same manager applied before, so two resources on one object
  // would undo each other.
  private managerOf(q: { urn: string; type: string }, inputs: Props): string {
    const named = annotation(inputs, "patchFieldManager");
    if (named !== undefined) return named;
    if (!q.type.endsWith("Patch")) return MANAGER;
    return `${MANAGER}-${createHash("sha256").update(q.urn).digest("hex").slice(0, 8)}`;
  }

  private async explained<T>(object: Props, f: () => Promise<T>): Promise<T> {
    try {
      return await f();
    } catch (error) {
      throw explain(error, object);
    }
  }
}

const isUnreachable = (error: unknown): boolean =>
  isApiError(error, "Network", "Timeout", "Unavailable") || (error instanceof ProviderError && error.code === "Unreachable");

/** `kubernetes:apps/v1:Deployment` and `ns/name` as an object to look up. */
export function identityFromId(type: string, id: string): Props {
  const [, token = "", kind = ""] = type.split(":");
  const [name = "", namespace] = id.split("/").reverse();
  const apiVersion = token.replace(/^core\//, "");
  return { apiVersion, kind: kind.replace(/Patch$/, ""), metadata: compact({ name, namespace }) };
}
