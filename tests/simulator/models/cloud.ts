// SPDX-License-Identifier: Apache-2.0
// Google Compute in memory, at the level of the generated client: operations that take time, hold their resource, answer a repeated requestId
// with the same operation, and may fail. behaviour-cloud.ts holds it to the emulator.
import { CloudObjects, type CloudPlace, type Plan } from "./cloud-objects";
import { CloudRefusal, exists, last, ROOT, type Json, type Operation, type Rule } from "./cloud-words";

export { CloudRefusal, type Address, type Json, type Operation, type Rule, type Target } from "./cloud-words";

/** A mutation at the moment at which the cloud accepts it, and again when it takes effect. */
export interface CloudChange {
  who: string;
  method: string;
  name: string;
  moment: "accepted" | "effect" | "failed";
  params: Json;
}
export interface CloudOptions extends CloudPlace {
  /** Runs something later. */
  later(ms: number, fn: () => void): void;
  /** How long the next operation takes, milliseconds, and whether it fails. */
  fate(method: string): { ms: number; fails: boolean };
}
const OP_CODE: Record<string, string> = {
  notFound: "RESOURCE_NOT_FOUND",
  alreadyExists: "RESOURCE_ALREADY_EXISTS",
  resourceInUseByAnotherResource: "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE",
  invalid: "INVALID_FIELD_VALUE",
  conditionNotMet: "CONDITION_NOT_MET",
  backendError: "INTERNAL_ERROR",
};

export class CloudModel extends CloudObjects {
  onChange: (change: CloudChange) => void = () => undefined;
  private readonly operations = new Map<string, { operation: Operation; waiters: Set<() => void> }>();
  private readonly remembered = new Map<string, { request: string; operation: string }>();
  private readonly busy = new Set<string>();

  constructor(private readonly options: CloudOptions) {
    super(options);
  }

  /** Somebody with another tool changes a rule, or takes it away. */
  byHand(name: string, rule: Rule | undefined): void {
    if (rule) this.rules.set(name, rule);
    else this.rules.delete(name);
    this.onChange({ who: "user", method: "forwardingRules.byHand", name, moment: "effect", params: {} });
  }
  /** Operations under way. */
  get running(): number {
    return this.busy.size;
  }

  /** A read or a mutation. @throws CloudRefusal */
  handle(who: string, method: string, params: Json): Json {
    if (method === "regionOperations.list") return { items: copy(this.listed()) };
    const read = this.reads[method];
    if (read) return copy(read(params) as Json);
    const prepare = this.mutations[method];
    if (!prepare) throw new CloudRefusal(404, "notFound", `no such method ${method}`);
    const known = this.recall(method, params);
    if (known) return known;
    const plan = prepare(params);
    if (this.busy.has(plan.path)) throw busy(plan);
    plan.plan();
    return copy(this.accept(who, plan));
  }
  /** Answers when the operation is done or the bound is over. @throws CloudRefusal */
  wait(params: Json, boundMs: number, reply: (operation: Json) => void): void {
    const entry = this.operations.get(String(params.operation));
    if (!entry) throw new CloudRefusal(404, "notFound", `operation ${String(params.operation)} not found`);
    if (entry.operation.status === "DONE") return reply(copy(entry.operation));
    let answered = false;
    const answer = (): void => {
      if (answered) return;
      answered = true;
      entry.waiters.delete(answer);
      reply(copy(entry.operation));
    };
    entry.waiters.add(answer);
    this.options.later(boundMs, answer);
  }
  /** Finished operations are forgotten, as Google does after a while. */
  forgetOperations(): void {
    for (const [name, { operation }] of this.operations) if (operation.status === "DONE") this.operations.delete(name);
  }

  /** Operations under way in the region; the only filter that anybody asks for. */
  private listed(): Operation[] {
    return [...this.operations.values()].map((e) => e.operation).filter((o) => o.status !== "DONE" && o.region !== undefined);
  }
  private accept(who: string, plan: Plan): Operation {
    const { ms, fails } = this.options.fate(plan.method);
    const name = `operation-${this.nextId()}`;
    const place = plan.zone ? { zone: this.link(`zones/${plan.zone}`) } : { region: this.link(`regions/${this.options.region}`) };
    const operationType = last(plan.method.replace(".", "/"));
    const operation: Operation = { name, status: "RUNNING", operationType, targetLink: ROOT + plan.path, ...place };
    this.operations.set(name, { operation, waiters: new Set() });
    this.busy.add(plan.path);
    const { requestId } = plan.params;
    if (typeof requestId === "string") this.remembered.set(requestId, { request: plan.method + plan.path, operation: name });
    const change = { who, method: plan.method, name: last(plan.path), params: plan.params };
    this.onChange({ ...change, moment: "accepted" });
    this.options.later(ms, () => this.finish(name, plan, fails, change));
    return operation;
  }
  private finish(name: string, plan: Plan, fails: boolean, change: Omit<CloudChange, "moment">): void {
    const entry = this.operations.get(name)!;
    this.busy.delete(plan.path);
    const error = fails ? new CloudRefusal(503, "backendError", "internal error") : refusalOf(() => plan.plan()());
    const failed = error && {
      error: { errors: [{ code: OP_CODE[error.reason] ?? error.reason, message: error.message }] },
      httpErrorStatusCode: error.status,
    };
    entry.operation = { ...entry.operation, status: "DONE", ...failed };
    this.onChange({ ...change, moment: error ? "failed" : "effect" });
    for (const tell of [...entry.waiters]) tell();
  }
  private recall(method: string, { requestId, ...params }: Json): Json | undefined {
    const known = typeof requestId === "string" ? this.remembered.get(requestId) : undefined;
    if (!known) return undefined;
    if (!known.request.startsWith(method) || !known.request.endsWith(`/${nameIn(params)}`))
      throw new CloudRefusal(400, "invalid", "requestId was used for another request before");
    const entry = this.operations.get(known.operation);
    return entry && copy(entry.operation);
  }
}

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const busy = ({ method, path }: Plan): CloudRefusal =>
  method.endsWith(".insert") ? exists(path) : new CloudRefusal(400, "resourceNotReady", `The resource '${path}' is not ready`);
function refusalOf(effect: () => void): CloudRefusal | undefined {
  try {
    effect();
    return undefined;
  } catch (error) {
    if (error instanceof CloudRefusal) return error;
    throw error;
  }
}
const nameIn = (p: Json): string =>
  [p.forwardingRule, p.resource, p.targetInstance, (p.requestBody as Json | undefined)?.name].find(
    (n) => typeof n === "string",
  ) ?? "";
