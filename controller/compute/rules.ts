// SPDX-License-Identifier: Apache-2.0
// Forwarding rules: what ties an address to a target instance. One rule carries everything (`L3_DEFAULT`, all ports); a move is one setTarget.
import type { Client, Schema } from "./client";
import { ComputeError, isComputeError } from "./errors";
import { toRule } from "./observe";
import type { Mutation, Operations } from "./operations";
import { succeeded } from "./targets";
import { labelsAreOurs, ownedLabels } from "./ownership";
import { pathOf, urlOf } from "./paths";
import { ruleBody, type Protocol } from "./rule-body";
import type { Fence, ObservedRule, RuleSpec } from "./types";

export class Rules {
  constructor(
    private readonly client: Client,
    private readonly operations: Operations,
  ) {}

  async get(name: string): Promise<ObservedRule | undefined> {
    const { api, config } = this.client;
    const raw = await this.client.find("forwardingRules.get", (options) => api.forwardingRules.get(this.key(name), options));
    return raw && toRule(config.clusterUid, raw);
  }

  async all(filter?: string): Promise<ObservedRule[]> {
    const { api, config } = this.client;
    const params = { project: config.project, region: config.region, ...(filter ? { filter } : {}) };
    const items = await this.client.list(
      "forwardingRules.list",
      (query) => (options) => api.forwardingRules.list({ ...params, ...query }, options),
    );
    return items.map((item) => toRule(config.clusterUid, item));
  }

  async on(address: string, vpc?: string): Promise<ObservedRule[]> {
    const rules = await this.all(`IPAddress = "${address}"`);
    // External rules have no network; an internal rule of another VPC may hold the same literal and is none of our business.
    const near = (rule: ObservedRule): boolean => vpc === undefined || rule.network === undefined || rule.network === vpc;
    return rules.filter((rule) => rule.address === address && near(rule));
  }

  /** Makes one rule, or returns the one of ours that is there, pointed at the wanted target. */
  async create(spec: RuleSpec, protocol: Protocol, fence: Fence): Promise<ObservedRule> {
    const requestBody = ruleBody(this.client.config, spec, protocol);
    await this.refuseForeign(spec);
    const existing = await this.get(spec.name);
    const made = existing ?? (await this.insert(requestBody, fence));
    const rule = checked(spec, protocol, made);
    // Also heals a rule whose maker died between insert and setLabels.
    const marked = labelsAreOurs(this.client.config.clusterUid, rule.labels)
      ? rule
      : await this.setLabels(rule, spec.labels, fence);
    return this.setTarget(marked, spec.targetPath, fence);
  }

  async setTarget(rule: ObservedRule, target: string, fence: Fence): Promise<ObservedRule> {
    const wanted = pathOf(target);
    if (!rule.ours) throw foreign("forwardingRules.setTarget", rule);
    if (rule.target === wanted) return rule;
    const { api } = this.client;
    const params = { ...this.key(rule.name), requestBody: { target: urlOf(wanted) } };
    await this.operations.run(
      this.mutation(
        { method: "forwardingRules.setTarget", name: rule.name, body: { id: rule.id, target: wanted } },
        (requestId) => (options) => api.forwardingRules.setTarget({ ...params, requestId }, options),
      ),
      fence,
    );
    const now = await this.get(rule.name);
    if (now?.id === rule.id && now.target === wanted) return now;
    throw new ComputeError({
      code: "Conflict",
      method: "forwardingRules.setTarget",
      retry: true,
      message: now
        ? `forwarding rule ${rule.name} points at ${now.target ?? "nothing"} right after it was set to ${wanted}: somebody else writes it too`
        : `forwarding rule ${rule.name} was deleted while it was set to ${wanted}`,
    });
  }

  async setLabels(rule: ObservedRule, labels: Record<string, string>, fence: Fence): Promise<ObservedRule> {
    const { api, config } = this.client;
    const current = (await this.get(rule.name)) ?? gone("forwardingRules.setLabels", rule.name);
    if (!current.ours) throw foreign("forwardingRules.setLabels", current);
    const wanted = ownedLabels(config.clusterUid, labels);
    const { project, region } = this.key(rule.name);
    const requestBody = { labels: wanted, labelFingerprint: current.labelFingerprint };
    await this.operations.run(
      this.mutation(
        { method: "forwardingRules.setLabels", name: rule.name, body: requestBody },
        (requestId) => (options) =>
          api.forwardingRules.setLabels({ project, region, resource: rule.name, requestBody, requestId }, options),
      ),
      fence,
    );
    return (await this.get(rule.name)) ?? gone("forwardingRules.setLabels", rule.name);
  }

  async setGlobalAccess(rule: ObservedRule, allow: boolean, fence: Fence): Promise<ObservedRule> {
    const { api, config } = this.client;
    const method = "forwardingRules.patch";
    const raw = await this.client.find("forwardingRules.get", (options) => api.forwardingRules.get(this.key(rule.name), options));
    const current = raw && toRule(config.clusterUid, raw);
    if (!current) return gone(method, rule.name);
    if (!current.ours) throw foreign(method, current);
    if ((current.allowGlobalAccess ?? false) === allow) return current;
    // The fingerprint of what was read: an edit of somebody else in between is refused (412) instead of being lost.
    const requestBody = { allowGlobalAccess: allow, fingerprint: raw.fingerprint };
    const params = { ...this.key(rule.name), requestBody };
    await this.operations.run(
      this.mutation(
        { method, name: rule.name, body: requestBody },
        (requestId) => (options) => api.forwardingRules.patch({ ...params, requestId }, options),
      ),
      fence,
    );
    return (await this.get(rule.name)) ?? gone(method, rule.name);
  }

  async delete(rule: ObservedRule, fence: Fence): Promise<void> {
    const { api } = this.client;
    // Looked at again right before: the name may have been given to somebody else's rule since it was observed.
    const current = await this.get(rule.name);
    if (!current) return;
    if (!current.ours) throw foreign("forwardingRules.delete", current);
    if (rule.id !== "" && current.id !== rule.id) throw succeeded("forwardingRules.delete", `forwarding rule ${rule.name}`);
    const params = this.key(rule.name);
    try {
      await this.operations.run(
        this.mutation(
          { method: "forwardingRules.delete", name: rule.name, body: { id: current.id } },
          (requestId) => (options) => api.forwardingRules.delete({ ...params, requestId }, options),
        ),
        fence,
      );
    } catch (error) {
      if (!isComputeError(error, "NotFound")) throw error;
    }
  }

  private key(name: string): { project: string; region: string; forwardingRule: string } {
    return { project: this.client.config.project, region: this.client.config.region, forwardingRule: name };
  }

  private mutation(what: { method: string; name: string; body?: unknown }, send: Mutation["send"]): Mutation {
    return { method: what.method, resource: `forwardingRules/${what.name}`, body: what.body, send };
  }

  private insert(requestBody: Schema["ForwardingRule"], fence: Fence): Promise<ObservedRule> {
    const { api, config } = this.client;
    const name = requestBody.name ?? "";
    const params = { project: config.project, region: config.region, requestBody };
    const mutation = this.mutation(
      { method: "forwardingRules.insert", name, body: requestBody },
      (requestId) => (options) => api.forwardingRules.insert({ ...params, requestId }, options),
    );
    return this.operations.insert(mutation, fence, () => this.get(name));
  }

  private async refuseForeign(spec: RuleSpec): Promise<void> {
    const other = (await this.on(spec.address, spec.vpc)).find((rule) => !rule.ours);
    if (other) throw foreign("forwardingRules.insert", other);
  }
}

function checked(spec: RuleSpec, protocol: Protocol, rule: ObservedRule): ObservedRule {
  if (!rule.ours) throw foreign("forwardingRules.insert", rule);
  if (rule.address === spec.address && rule.protocol === protocol) return rule;
  throw new ComputeError({
    code: "Conflict",
    method: "forwardingRules.insert",
    message:
      `forwarding rule ${rule.name} is ours but carries ${rule.protocol} of address ${rule.address}, ` +
      `not ${protocol} of ${spec.address}; was reserved address ${spec.addressName} replaced?`,
  });
}

function gone(method: string, name: string): never {
  throw new ComputeError({ code: "NotFound", method, message: `forwarding rule ${name} does not exist any more` });
}

function foreign(method: string, rule: ObservedRule): ComputeError {
  const owner = Object.entries(rule.labels).map(([key, value]) => `${key}=${value}`);
  return new ComputeError({
    code: "Conflict",
    method,
    message:
      `address ${rule.address} is held by forwarding rule ${rule.name}, which is not ours ` +
      `(${owner.length > 0 ? `labels ${owner.join(", ")}` : `description ${JSON.stringify(rule.description ?? "")}`}); ` +
      "it is left alone: delete it or use another address",
  });
}
