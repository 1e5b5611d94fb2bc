// SPDX-License-Identifier: Apache-2.0
// Where Google Cloud sends a persistent address: forwarding rule -> target instance -> VM -> the interface in the target's network. Pure.
import type { ForwardingRule, Instance, TargetInstance } from "../emulator";

export interface CloudState {
  rules: readonly ForwardingRule[];
  targets: readonly TargetInstance[];
  instances: readonly Instance[];
}

/** One interface of one VM, as the API names it. */
export interface Nic {
  vm: string;
  nic: string;
}

/** Address to interface, for every rule whose target is there. Links are compared by their path, whatever host they name. */
export function forwardedTo({ rules, targets, instances }: CloudState): Map<string, Nic> {
  const targetOf = new Map(targets.map((target) => [pathOf(target.selfLink), target]));
  const vmOf = new Map(instances.map((vm) => [pathOf(vm.selfLink), vm]));
  const found = new Map<string, Nic>();
  for (const rule of rules) {
    const target = targetOf.get(pathOf(rule.target ?? ""));
    const vm = target && vmOf.get(pathOf(target.instance));
    const nic = vm && interfaceOf(vm, target.network);
    if (vm && nic) found.set(rule.IPAddress, { vm: vm.name, nic: nic.name });
  }
  return found;
}

/** Without a network the first interface is meant. */
function interfaceOf(vm: Instance, network: string | undefined): Instance["networkInterfaces"][number] | undefined {
  if (network === undefined) return vm.networkInterfaces[0];
  return vm.networkInterfaces.find((nic) => pathOf(nic.network) === pathOf(network));
}

function pathOf(url: string): string {
  return url.slice(Math.max(0, url.indexOf("projects/")));
}

export interface Change {
  address: string;
  from?: Nic;
  to?: Nic;
}

/** What is to be changed to come from one state to the other, in the order of the addresses. */
export function changesBetween(now: ReadonlyMap<string, Nic>, wanted: ReadonlyMap<string, Nic>): Change[] {
  const addresses = [...new Set([...now.keys(), ...wanted.keys()])].sort();
  return addresses.flatMap((address) => {
    const from = now.get(address);
    const to = wanted.get(address);
    const same = from?.vm === to?.vm && from?.nic === to?.nic;
    return same ? [] : [{ address, ...(from ? { from } : {}), ...(to ? { to } : {}) }];
  });
}
