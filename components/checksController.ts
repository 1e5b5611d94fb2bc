// SPDX-License-Identifier: Apache-2.0
// What can be wrong with the controller's arguments. Pure.
import type { ControllerArgs, PodIpControllerArgs } from "./argsPods";
import { at, cloudNameProblems, enumProblems, kubeNameProblems, numberProblems, regionProblems, show } from "./checks";
import { heapMiB, memoryBytes, resourcesOf } from "./controllerPod";
import { ControllerKind, CrdSource, Datapath, GkeClasses, IdentityKind, LogLevel, OnDestroy } from "./enums";
import { problem, type Problem, when } from "./problems";

/** Less than this, and Node.js would not start its bundle. */
const LEAST_HEAP_MIB = 64;

function identityProblems(c: ControllerArgs, path: string): Problem[] {
  const { kind = IdentityKind.ServiceAccount, serviceAccount, projectNumber, roleId } = c.identity ?? {};
  const here = (field: string): string => at(at(path, "identity"), field);
  const existing = kind === IdentityKind.Existing;
  const text = (value: unknown, form: RegExp): boolean => typeof value !== "string" || form.test(value);
  return [
    ...enumProblems(kind, IdentityKind, here("kind")),
    ...when(
      existing && !serviceAccount,
      "Required",
      here("serviceAccount"),
      "is missing; kind is Existing, so name the service account's e-mail",
    ),
    ...when(
      !existing && serviceAccount !== undefined,
      "Exclusive",
      here("serviceAccount"),
      `is set, but kind is ${kind}; write kind: Existing`,
    ),
    ...when(
      !text(serviceAccount, /^[^@\s]+@[^@\s]+$/),
      "Pattern",
      here("serviceAccount"),
      `${show(serviceAccount)} is not the e-mail of a service account`,
    ),
    ...when(
      kind === IdentityKind.Direct && !projectNumber,
      "Required",
      here("projectNumber"),
      "is missing; kind is Direct, whose principal is written with the project's number",
    ),
    ...when(!text(projectNumber, /^\d+$/), "Pattern", here("projectNumber"), `${show(projectNumber)} is not a number`),
    ...when(
      !text(roleId, /^[A-Za-z0-9_.]{3,60}$/),
      "Pattern",
      here("roleId"),
      `${show(roleId)} is not 3 to 60 letters, digits, "_" or "."`,
    ),
  ];
}

function resourceProblems(c: ControllerArgs, path: string): Problem[] {
  const r = resourcesOf(c.resources);
  const here = at(path, "resources");
  const found: Problem[] = [];
  if (!/^(\d+m|\d+(\.\d+)?)$/.test(r.cpu))
    found.push(problem("Pattern", at(here, "cpu"), `${show(r.cpu)} is not a quantity such as "100m"`));
  for (const field of ["memory", "memoryLimit"] as const)
    if (memoryBytes(r[field]) === undefined)
      found.push(problem("Pattern", at(here, field), `${show(r[field])} is not a quantity such as "256Mi"`));
  if (found.length > 0) return found;
  if (memoryBytes(r.memory)! > memoryBytes(r.memoryLimit)!)
    found.push(problem("Bounds", at(here, "memory"), `${r.memory} is more than the limit of ${r.memoryLimit}`));
  if (heapMiB(r.memoryLimit) < LEAST_HEAP_MIB)
    found.push(
      problem(
        "Bounds",
        at(here, "memoryLimit"),
        `${r.memoryLimit} leaves ${heapMiB(r.memoryLimit)} MiB of heap; at least ${LEAST_HEAP_MIB} are needed`,
      ),
    );
  return found;
}

function nodeAgentProblems(c: ControllerArgs, path: string): Problem[] {
  const here = at(path, "nodeAgent");
  const linux = c.datapath === Datapath.Linux;
  const bad = Object.entries(c.nodeAgent?.networks ?? {}).find(([, nic]) => !/^[\w.:@+-]{1,15}$/.test(nic));
  return [
    ...when(
      linux && !c.nodeAgent?.image,
      "Required",
      at(here, "image"),
      "is missing; datapath is Linux, so name an image with Node.js 20 or later, iproute2 and nft",
    ),
    ...when(!linux && c.nodeAgent !== undefined, "Exclusive", here, "is set, but datapath is not Linux: there is no node agent"),
    ...when(
      bad !== undefined,
      "Pattern",
      at(at(here, "networks"), bad?.[0] ?? ""),
      `${show(bad?.[1])} is not a name of a network interface`,
    ),
  ];
}

/** Problems of the controller's part of the arguments. */
export function controllerProblems(c: ControllerArgs, path = "controller"): Problem[] {
  const found = [
    ...enumProblems(c.kind, ControllerKind, at(path, "kind")),
    ...enumProblems(c.crds, CrdSource, at(path, "crds")),
    ...enumProblems(c.gkeClasses, GkeClasses, at(path, "gkeClasses")),
    ...enumProblems(c.datapath, Datapath, at(path, "datapath")),
    ...enumProblems(c.logLevel, LogLevel, at(path, "logLevel")),
    ...numberProblems(c.replicas, at(path, "replicas"), 1, 10),
    ...numberProblems(c.workers, at(path, "workers"), 1, 256),
    ...identityProblems(c, path),
    ...nodeAgentProblems(c, path),
    ...resourceProblems(c, path),
  ];
  if (c.namespace !== undefined) found.push(...kubeNameProblems(c.namespace, at(path, "namespace")));
  if (c.image === "")
    found.push(problem("Length", at(path, "image"), "is empty; name an image with Node.js 20 or later, or leave it out"));
  const foreign = c.kind === ControllerKind.GkeManaged || c.kind === ControllerKind.Observe;
  if (foreign && c.crds === CrdSource.Install)
    found.push(
      problem(
        "Exclusive",
        at(path, "crds"),
        `is Install, but kind is ${c.kind}: where Google's controller runs, the CRD is Google's too`,
      ),
    );
  if (foreign && c.gkeClasses === GkeClasses.IfAbsent)
    found.push(
      problem("Exclusive", at(path, "gkeClasses"), `is IfAbsent, but kind is ${c.kind}: there the classes are Google's`),
    );
  return found;
}

export function podIpControllerProblems(name: string, args: PodIpControllerArgs): Problem[] {
  return [
    ...cloudNameProblems(name, "name"),
    ...regionProblems(args.region),
    ...enumProblems(args.onDestroy, OnDestroy, "onDestroy"),
    ...controllerProblems(args, ""),
  ];
}
