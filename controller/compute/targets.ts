// SPDX-License-Identifier: Apache-2.0
// Target instances: one per VM and network, made ahead of need, never changed (the API has no update), deleted when unused.
import type { Client, Schema } from "./client";
import { ComputeError, isComputeError } from "./errors";
import { KeyedLock } from "./limiter";
import { toTarget } from "./observe";
import type { Mutation, Operations } from "./operations";
import { ownedDescription } from "./ownership";
import { baseName, instancePath, networkPath, targetPath, urlOf } from "./paths";
import type { Fence, ObservedTarget, TargetSpec } from "./types";

export class Targets {
  private readonly locks = new KeyedLock();

  constructor(
    private readonly client: Client,
    private readonly operations: Operations,
  ) {}

  async ensure(spec: TargetSpec, fence: Fence): Promise<ObservedTarget> {
    const vm = await this.vm(spec);
    // Several routes may want the node at once; the second one finds what the first one made.
    return this.locks.run(`${spec.zone}/${spec.name}`, async () => {
      const raw = (await this.get(spec)) ?? (await this.insert(spec, fence));
      const target = this.checked(spec, raw);
      const vmReplaced = Date.parse(vm.creationTimestamp ?? "") > Date.parse(raw.creationTimestamp ?? "");
      return vmReplaced ? { ...target, vmReplaced } : target;
    });
  }

  async delete(target: ObservedTarget, fence: Fence): Promise<void> {
    const { api, config } = this.client;
    const raw = await this.get(target);
    if (!raw) return;
    const current = toTarget(config.clusterUid, raw);
    if (!current.ours) throw foreign("targetInstances.delete", current);
    if (target.id !== "" && current.id !== target.id)
      throw succeeded("targetInstances.delete", `target instance ${target.zone}/${target.name}`);
    const params = { project: config.project, zone: target.zone, targetInstance: target.name };
    try {
      await this.operations.run(
        {
          method: "targetInstances.delete",
          resource: targetPath(config.project, target.zone, target.name),
          body: { id: current.id },
          send: (requestId) => (options) => api.targetInstances.delete({ ...params, requestId }, options),
        },
        fence,
      );
    } catch (error) {
      if (!isComputeError(error, "NotFound")) throw error;
    }
  }

  async all(zones: readonly string[]): Promise<ObservedTarget[]> {
    const { api, config } = this.client;
    const perZone = await Promise.all(
      zones.map((zone) =>
        this.client.list(
          "targetInstances.list",
          (query) => (options) => api.targetInstances.list({ project: config.project, zone, ...query }, options),
        ),
      ),
    );
    return perZone.flat().map((raw) => toTarget(config.clusterUid, raw));
  }

  private get({ zone, name }: { zone: string; name: string }): Promise<Schema["TargetInstance"] | undefined> {
    const { api, config } = this.client;
    const params = { project: config.project, zone, targetInstance: name };
    return this.client.find("targetInstances.get", (options) => api.targetInstances.get(params, options));
  }

  private async vm(spec: TargetSpec): Promise<Schema["Instance"]> {
    const { api, config } = this.client;
    const params = { project: config.project, zone: spec.zone, instance: spec.instance };
    const vm = await this.client.find("instances.get", (options) => api.instances.get(params, options));
    const what = `VM ${instancePath(config.project, spec.zone, spec.instance)}`;
    if (!vm)
      throw new ComputeError({
        code: "NotFound",
        method: "instances.get",
        message: `${what} does not exist (deleted, or in another zone)`,
      });
    const networks = (vm.networkInterfaces ?? []).map((nic) => baseName(nic.network ?? ""));
    if (spec.vpc !== undefined && !networks.includes(spec.vpc))
      throw new ComputeError({
        code: "Invalid",
        method: "instances.get",
        message: `${what} has no network interface in VPC network ${spec.vpc}; it has ${networks.join(", ") || "none"}`,
      });
    return vm;
  }

  private async insert(spec: TargetSpec, fence: Fence): Promise<Schema["TargetInstance"]> {
    const { api, config } = this.client;
    const requestBody: Schema["TargetInstance"] = {
      name: spec.name,
      description: ownedDescription(config.clusterUid, spec.description),
      instance: urlOf(instancePath(config.project, spec.zone, spec.instance)),
      natPolicy: "NO_NAT",
      ...(spec.vpc === undefined ? {} : { network: urlOf(networkPath(config.networkProject ?? config.project, spec.vpc)) }),
    };
    const params = { project: config.project, zone: spec.zone, requestBody };
    const mutation: Mutation = {
      method: "targetInstances.insert",
      resource: targetPath(config.project, spec.zone, spec.name),
      body: requestBody,
      send: (requestId) => (options) => api.targetInstances.insert({ ...params, requestId }, options),
    };
    return this.operations.insert(mutation, fence, () => this.get(spec));
  }

  private checked(spec: TargetSpec, raw: Schema["TargetInstance"]): ObservedTarget {
    const target = toTarget(this.client.config.clusterUid, raw);
    if (!target.ours) throw foreign("targetInstances.insert", target);
    const sameNetwork = spec.vpc === undefined || target.network === spec.vpc;
    if (target.instance === spec.instance && sameNetwork) return target;
    throw new ComputeError({
      code: "Conflict",
      method: "targetInstances.insert",
      message:
        `target instance ${spec.zone}/${spec.name} is ours but points at VM ${target.instance} on ${target.network ?? "nic0"}, ` +
        `not at ${spec.instance} on ${spec.vpc ?? "nic0"}; delete it when no forwarding rule uses it`,
    });
  }
}

/** The object that was observed is gone, and another one of ours has its name: the caller must look again before it deletes. */
export function succeeded(method: string, what: string): ComputeError {
  const message = `${what} was replaced since it was observed; the new one is kept until it is looked at`;
  return new ComputeError({ code: "Conflict", method, retry: true, message });
}

function foreign(method: string, target: ObservedTarget): ComputeError {
  return new ComputeError({
    code: "Conflict",
    method,
    message:
      `target instance ${target.zone}/${target.name} is not ours (description ${JSON.stringify(target.description ?? "")}); ` +
      "it is left alone: rename or delete it",
  });
}
