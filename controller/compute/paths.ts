// SPDX-License-Identifier: Apache-2.0
// Compute names everything by URL, with three hosts and an endpoint override in use. Inside this room only paths are compared.

const CANONICAL = "https://www.googleapis.com/compute/v1/";

/** `https://any.host/compute/v1/projects/P/...` or `projects/P/...` to `projects/P/...`. Text without `projects/` is returned as it is. */
export function pathOf(url: string): string {
  const at = url.indexOf("projects/");
  return at < 0 ? url : url.slice(at);
}

/** The full URL that request bodies carry, whatever endpoint the request goes to. */
export const urlOf = (path: string): string => CANONICAL + pathOf(path);

/** Last part of a URL or path. */
export const baseName = (url: string): string => url.slice(url.lastIndexOf("/") + 1);

/** `zones/Z` of a path, as `Z`; undefined for a regional or global object. Likewise for any other collection. */
export function partOf(path: string, collection: string): string | undefined {
  const parts = pathOf(path).split("/");
  const at = parts.indexOf(collection);
  return at < 0 ? undefined : parts[at + 1];
}

export const instancePath = (project: string, zone: string, name: string): string =>
  `projects/${project}/zones/${zone}/instances/${name}`;
/** Path of a target instance, as `RuleSpec.targetPath` and `Fabric.setTarget` take it. */
export const targetPath = (project: string, zone: string, name: string): string =>
  `projects/${project}/zones/${zone}/targetInstances/${name}`;
export const networkPath = (project: string, name: string): string => `projects/${project}/global/networks/${name}`;

/** A name becomes a path in `region` of `project`; a path or URL stays what it is. */
export const regionalPath = (project: string, region: string, collection: string, nameOrPath: string): string =>
  nameOrPath.includes("projects/") ? pathOf(nameOrPath) : `projects/${project}/regions/${region}/${collection}/${nameOrPath}`;
