// SPDX-License-Identifier: Apache-2.0
// Objects on the API server by apiVersion and kind: discovery, server-side apply, get, delete.
import { type ApiClient, isApiError } from "../../../controller/kubernetes/transport";
import { resourcePath, type ResourceKind } from "../../../controller/kubernetes/resources";
import { ProviderError } from "../provider";
import { isRecord, textAt, type Props } from "../value";

export interface ApplyOptions {
  manager: string;
  force: boolean;
  dryRun: boolean;
  signal?: AbortSignal;
}

/** No such kind, or no such object: what a CustomResource sees just after its CRD was made. */
export const isAbsent = (error: unknown): boolean =>
  isApiError(error, "NotFound") || (error instanceof ProviderError && error.code === "NotFound");

/** The server's own words, without the request line in front of them. */
export function serverWords(error: unknown): string {
  const body = isApiError(error) ? error.body : undefined;
  return textAt(body, "message") ?? (error instanceof Error ? error.message : String(error));
}

export class KubeObjects {
  private readonly kinds = new Map<string, Map<string, ResourceKind>>();

  constructor(
    private readonly client: ApiClient,
    private readonly defaultNamespace: string,
  ) {}

  /** Forgets discovery, after a CRD came or went. */
  forget(): void {
    this.kinds.clear();
  }

  /** @throws ProviderError NotFound if the server has no such kind; ApiError */
  async kindOf(apiVersion: string, kind: string): Promise<ResourceKind> {
    const known = this.kinds.get(apiVersion) ?? (await this.discover(apiVersion));
    const found = known.get(kind);
    if (found !== undefined) return found;
    this.kinds.delete(apiVersion);
    throw new ProviderError("NotFound", `no matches for kind "${kind}" in version "${apiVersion}"`);
  }

  async apply(object: Props, o: ApplyOptions): Promise<Props> {
    const query = { fieldManager: o.manager, force: o.force, dryRun: o.dryRun ? "All" : undefined };
    const body = { ...object, metadata: isRecord(object.metadata) ? object.metadata : {} };
    const options = { query, body: JSON.stringify(body), contentType: "application/apply-patch+yaml", signal: o.signal };
    return this.client.request<Props>("PATCH", await this.pathOf(object), options);
  }

  /** The live object, or undefined if it (or its whole kind) is not there. */
  async find(object: Props): Promise<Props | undefined> {
    try {
      return await this.client.request<Props>("GET", await this.pathOf(object));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async delete(object: Props, propagationPolicy: string, uid: string | undefined): Promise<void> {
    const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy, ...(uid && { preconditions: { uid } }) };
    await this.client.request("DELETE", await this.pathOf(object), { body });
  }

  close(): Promise<void> {
    return this.client.close();
  }

  private async pathOf(object: Props): Promise<string> {
    const kind = await this.kindOf(textAt(object, "apiVersion") ?? "", textAt(object, "kind") ?? "");
    const namespace = textAt(object, "metadata.namespace") || this.defaultNamespace;
    return resourcePath(kind, kind.namespaced ? namespace : undefined, textAt(object, "metadata.name") ?? "");
  }

  private async discover(apiVersion: string): Promise<Map<string, ResourceKind>> {
    const [version = "", group = ""] = apiVersion.split("/").reverse();
    const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
    const list = await this.client.request<{ resources?: { name: string; kind: string; namespaced: boolean }[] }>("GET", root);
    const kinds = new Map<string, ResourceKind>();
    for (const r of list.resources ?? []) {
      if (!r.name.includes("/")) kinds.set(r.kind, { group, version, plural: r.name, kind: r.kind, namespaced: r.namespaced });
    }
    this.kinds.set(apiVersion, kinds);
    return kinds;
  }
}
