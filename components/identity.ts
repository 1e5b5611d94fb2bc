// SPDX-License-Identifier: Apache-2.0
// Who the controller is in Google Cloud: a service account of its own (or the Kubernetes account itself) with a custom role that has exactly the
// permissions of the methods it calls.
import * as crypto from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { IAMCustomRole } from "@pulumi/gcp/projects/iamcustomRole";
import { IAMMember } from "@pulumi/gcp/projects/iammember";
import { Account } from "@pulumi/gcp/serviceaccount/account";
import { IAMMember as AccountMember } from "@pulumi/gcp/serviceaccount/iammember";
import { CONTROLLER } from "../controller/api";
import { HOST_PROJECT_PERMISSIONS, REQUIRED_PERMISSIONS } from "../controller/api/permissions";
import type { PodIpControllerArgs } from "./argsPods";
import { guarded, projectOf } from "./common";
import { ControllerKind, IdentityKind } from "./enums";

export interface Identity {
  /** IAM member, for further grants. Empty where the controller has none of its own. */
  principal: pulumi.Output<string>;
  /** Annotations of the Kubernetes service account. */
  annotations: { [key: string]: pulumi.Input<string> };
  /** What must be there as long as the controller runs, its last clean-up included. */
  resources: pulumi.Resource[];
}

const ANNOTATION = "iam.gke.io/gcp-service-account";
const digest = (text: string): string => crypto.createHash("sha256").update(text).digest("hex").slice(0, 6);

/** Account ids have 6 to 30 characters. */
export const accountId = (name: string): string =>
  name.length <= 20 ? `${name}-pip-ctrl` : `${name.slice(0, 13).replace(/-+$/, "")}-${digest(name)}-pip-ctrl`;
/** Role ids have 3 to 64 letters, digits, "_" and "."; no dash. */
export const roleIdOf = (name: string): string =>
  name.length <= 40
    ? `gkePersistentIp_${name.replaceAll("-", "_")}`
    : `gkePersistentIp_${name.slice(0, 40).replaceAll("-", "_")}_${digest(name)}`;

const READING = /\.(get|list)$/;
/** An observer reads and changes nothing. */
export const permissionsFor = (kind: ControllerKind | undefined, all: readonly string[] = REQUIRED_PERMISSIONS): string[] =>
  kind === ControllerKind.Observe ? all.filter((p) => READING.test(p)) : [...all];

interface Plan {
  parent: pulumi.Resource;
  name: string;
  args: PodIpControllerArgs;
  namespace: string;
}

/** Makes what the chosen kind needs. */
export function identityOf(plan: Plan): Identity {
  const { args } = plan;
  const kind = args.identity?.kind ?? IdentityKind.ServiceAccount;
  switch (kind) {
    case IdentityKind.None:
      return { principal: pulumi.output(""), annotations: {}, resources: [] };
    case IdentityKind.Existing: {
      const email = pulumi.output(args.identity!.serviceAccount!);
      return { principal: pulumi.interpolate`serviceAccount:${email}`, annotations: { [ANNOTATION]: email }, resources: [] };
    }
    case IdentityKind.Direct: {
      const pool = `locations/global/workloadIdentityPools`;
      const principal = pulumi.interpolate`principal://iam.googleapis.com/projects/${args.identity!.projectNumber!}/${pool}/${projectOf(args.project)!}.svc.id.goog/subject/ns/${plan.namespace}/sa/${CONTROLLER}`;
      return { principal, annotations: {}, resources: grants(plan, principal) };
    }
    case IdentityKind.ServiceAccount:
      return ownAccount(plan);
  }
}

function ownAccount(plan: Plan): Identity {
  const { parent, name, args } = plan;
  const project = projectOf(args.project)!;
  const options = { parent, ...guarded(args) };
  const account = new Account(`${name}-controller`, { accountId: accountId(name), project }, options);
  const email = pulumi.interpolate`${accountId(name)}@${project}.iam.gserviceaccount.com`;
  const binding = new AccountMember(
    `${name}-controller-identity`,
    {
      serviceAccountId: account.name,
      role: "roles/iam.workloadIdentityUser",
      member: pulumi.interpolate`serviceAccount:${project}.svc.id.goog[${plan.namespace}/${CONTROLLER}]`,
    },
    options,
  );
  const principal = pulumi.interpolate`serviceAccount:${email}`;
  return { principal, annotations: { [ANNOTATION]: email }, resources: [account, binding, ...grants(plan, principal, account)] };
}

/** The custom role in the project, and its smaller sister in the Shared VPC host project, each with its one member. */
function grants(plan: Plan, member: pulumi.Input<string>, account?: Account): pulumi.Resource[] {
  const { args } = plan;
  const roleId = args.identity?.roleId ?? roleIdOf(plan.name);
  const main = grant(plan, {
    suffix: "",
    project: projectOf(args.project)!,
    roleId,
    member,
    account,
    permissions: REQUIRED_PERMISSIONS,
  });
  if (args.networkProject === undefined) return main;
  const host = { project: args.networkProject, roleId: `${roleId}_net`, member, account, permissions: HOST_PROJECT_PERMISSIONS };
  return [...main, ...grant(plan, { suffix: "-network", ...host })];
}

interface Grant {
  suffix: string;
  project: pulumi.Input<string>;
  roleId: string;
  member: pulumi.Input<string>;
  account?: Account | undefined;
  permissions: readonly string[];
}

function grant({ parent, name, args }: Plan, g: Grant): pulumi.Resource[] {
  const options = { parent, ...guarded(args) };
  const role = new IAMCustomRole(
    `${name}-controller${g.suffix}`,
    {
      roleId: g.roleId,
      title: "Persistent IP controller",
      permissions: permissionsFor(args.kind, g.permissions),
      project: g.project,
      stage: "GA",
    },
    options,
  );
  const member = new IAMMember(
    `${name}-controller${g.suffix}`,
    // The role's name is made here rather than read, so that the first preview shows it.
    { project: g.project, role: pulumi.interpolate`projects/${g.project}/roles/${g.roleId}`, member: g.member },
    { ...options, dependsOn: [role, ...(g.account ? [g.account] : [])] },
  );
  return [role, member];
}
