// SPDX-License-Identifier: Apache-2.0
// The `gcp` stand-in: writes into the cloud emulator over HTTP what the real provider would write into Google Cloud, and plans like
// it (immutable fields, computed outputs, names, refusals). What it cannot show is listed in engine-lab.md section 9.
import { diffLeaves } from "./diff";
import { gcpSettings } from "./gcp/check";
import { Cloud } from "./gcp/rest";
import { GcpSdk } from "./gcp/sdk";
import { GcpSession } from "./gcp/session";
import { sdkVersion } from "./kubernetes";
import type { Provider } from "./provider";

export interface GcpOptions {
  /** Root of the emulator, with or without a slash at the end. */
  emulatorUrl: string;
  /** Project of resources that name none, unless the provider resource does. */
  project: string;
  region?: string;
  /** Folder whose node_modules has the program's @pulumi/gcp. */
  sdkRoot: string;
}

/** The provider object, to be served by `serveProvider`. @throws Error when @pulumi/gcp is not installed under sdkRoot */
export function gcpProvider(options: GcpOptions): Provider {
  const sdk = new GcpSdk(options.sdkRoot);
  const cloud = new Cloud(options.emulatorUrl.replace(/\/*$/, "/"));
  return {
    name: "gcp",
    version: sdkVersion(options.sdkRoot, "@pulumi/gcp"),
    diffConfig: (olds, news) => ({ changes: diffLeaves(olds, news), replaces: [], deleteBeforeReplace: false }),
    configure: (config) => new GcpSession(gcpSettings(config, options), cloud, sdk),
  };
}
