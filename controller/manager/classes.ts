// SPDX-License-Identifier: Apache-2.0
// GatewayClasses of ours, as the Gateway API's implementer's guide wants them (api.md 6.1): accepted, the version of the CRDs judged, and held by
// a finalizer while a Gateway uses them, so that nobody deletes a class from under it.
import { GATEWAY_CLASS_FINALIZER, KINDS, type GatewayClass } from "../api";
import { addFinalizer, isApiError, removeFinalizer, type ApiClient, type Clock } from "../kubernetes";
import type { Caches } from "./caches";
import type { Writer } from "./writer";

const CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gatewayclasses.gateway.networking.k8s.io";
const BUNDLE_VERSION = "gateway.networking.k8s.io/bundle-version";
/** How long an answer about the CRDs is good for, milliseconds. */
const GOOD_FOR_MS = 600_000;

export interface Said {
  type: string;
  status: "True" | "False";
  reason: string;
  message: string;
}

/**
 * Condition SupportedVersion from the CRDs' bundle version: any release since v1.0 serves what is used here (gateway.networking.k8s.io/v1).
 * @param version undefined where the CRDs do not say: then nothing is claimed
 */
export function supportedVersion(version: string | undefined): Said[] {
  if (version === undefined) return [];
  const supported = /^v1\.\d+\.\d+/.test(version);
  const message = supported ? "" : `the Gateway API CRDs are ${version}; this controller needs v1.0.0 or later of version 1`;
  const status = supported ? ("True" as const) : ("False" as const);
  return [{ type: "SupportedVersion", status, reason: supported ? "SupportedVersion" : "UnsupportedVersion", message }];
}

export interface ClassesOptions {
  client: ApiClient;
  clock: Pick<Clock, "monotonic">;
  caches: Pick<Caches, "byIndex">;
  writer: Pick<Writer, "classStatus" | "mayWrite">;
}

export class Classes {
  private known: { version: string | undefined; until: number } | undefined;

  constructor(private readonly o: ClassesOptions) {}

  /** Brings one class of ours to what it should be. @throws ApiError */
  async reconcile(found: GatewayClass): Promise<void> {
    const { caches, client, writer } = this.o;
    const used = caches.byIndex("gateway", "class", found.metadata.name).length > 0;
    const leaving = found.metadata.deletionTimestamp !== undefined;
    if (!leaving) await writer.classStatus(found, supportedVersion(await this.version()));
    const held = (found.metadata.finalizers ?? []).includes(GATEWAY_CLASS_FINALIZER);
    // A class that is being deleted takes no new finalizer; the API server would refuse it.
    if (held === used || (used && leaving)) return;
    writer.mayWrite("patch gatewayclass");
    await (used ? addFinalizer : removeFinalizer)(client, KINDS.gatewayClass, found, GATEWAY_CLASS_FINALIZER);
  }

  /** Bundle version of the Gateway API CRDs; undefined where they do not say, or may not be read. */
  private async version(): Promise<string | undefined> {
    const now = this.o.clock.monotonic();
    if (this.known && now < this.known.until) return this.known.version;
    const version = await this.read();
    this.known = { version, until: now + GOOD_FOR_MS };
    return version;
  }
  private async read(): Promise<string | undefined> {
    try {
      const crd = await this.o.client.request<{ metadata: { annotations?: Record<string, string> } }>("GET", CRD);
      return crd.metadata.annotations?.[BUNDLE_VERSION];
    } catch (error) {
      if (!isApiError(error, "NotFound", "Forbidden")) throw error;
      return undefined;
    }
  }
}
