// SPDX-License-Identifier: Apache-2.0
// What can be wrong with the controller's arguments. Pure.
import type { ControllerArgs, PodIpControllerArgs } from "./argsPods";
import { at, cloudNameProblems, enumProblems, kubeNameProblems, numberProblems, regionProblems, show } from "./checks";
import { heapMiB, memoryBytes, resourcesOf } from "./controllerPod";
import { ControllerKind, CrdSource, Datapath, GkeClasses, IdentityKind, LogLevel, OnDestroy } from "./enums";
import { isPlain, problem, type Problem } from "./problems";

/** Less than this, and Node.js would not start its bundle. */
const LEAST_HEAP_MIB = 64;

function identityProblems(c: ControllerArgs, path: string): Problem[] {
  const identity = c.identity ?? {};
  const here = at(path, "identity");
  const kind = identity.kind ?? IdentityKind.ServiceAccount;
  const found = enumProblems(kind, IdentityKind, at(here, "kind"));
  if (kind === IdentityKind.Existing && identity.serviceAccount === undefined)
    found.push(
      problem("Required", at(here, "serviceAccount"), "is missing; kind is Existing, so name the service account's e-mail"),
    );
  if (kind !== IdentityKind.Existing && identity.serviceAccount !== undefined)
    found.push(problem("Exclusive", at(here, "serviceAccount"), `is set, but kind is ${kind}; write kind: Existing`));
  if (isPlain(identity.serviceAccount) && !/^[^@\s]+@[^@\s]+$/.test(identity.serviceAccount))
    found.push(
      problem("Pattern", at(here, "serviceAccount"), `${show(identity.serviceAccount)} is not the e-mail of a service account`),
    );
  if (kind === IdentityKind.Direct && identity.projectNumber === undefined)
    found.push(
      problem(
        "Required",
        at(here, "projectNumber"),
        "is missing; kind is Direct, whose principal is written with the project's number",
      ),
    );
  if (isPlain(identity.projectNumber) && !/^\d+$/.test(identity.projectNumber))
    found.push(problem("Pattern", at(here, "projectNumber"), `${show(identity.projectNumber)} is not a number`));
  if (identity.roleId !== undefined && !/^[A-Za-z0-9_.]{3,60}$/.test(identity.roleId))
    found.push(problem("Pattern", at(here, "roleId"), `${show(identity.roleId)} is not 3 to 60 letters, digits, "_" or "."`));
  return found;
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
