// SPDX-License-Identifier: Apache-2.0
// Functions of the gcp package that programs use to adopt what is there already: `getNetwork`, `getCluster`, `getAddress` and so on
// read the resource of the same name; a few ask about the provider itself.
import { ProviderError } from "../provider";
import { at, compact, textAt, type Props } from "../value";
import type { GcpSettings } from "./check";
import { numberFor } from "./generic";
import { shortName, type Kind } from "./kind";
import { CloudError, type Cloud } from "./rest";
import type { GcpSdk } from "./sdk";

type Call = (args: Props) => Promise<Props>;

export class Functions {
  private readonly own: Readonly<Record<string, Call>> = {
    "gcp:organizations/getClientConfig:getClientConfig": () => this.clientConfig(),
    "gcp:organizations/getProject:getProject": (args) => this.project(args),
    "gcp:compute/getZones:getZones": (args) => this.zones(args),
    "gcp:container/getEngineVersions:getEngineVersions": (args) => this.engineVersions(args),
  };

  constructor(
    private readonly settings: GcpSettings,
    private readonly cloud: Cloud,
    private readonly kindOf: (type: string) => Kind,
    private readonly sdk: GcpSdk,
  ) {}

  /** @throws ProviderError NotSupported for a function that reads no resource; NotFound when the resource is not there */
  call(token: string, args: Props): Promise<Props> {
    const own = this.own[token];
    return own === undefined ? this.lookUp(token, args) : own(args);
  }

  private async lookUp(token: string, args: Props): Promise<Props> {
    const type = token.replace(/^gcp:(\w+)\/get(\w+):get(\w+)$/, (_m, module: string, file: string, cls: string) => {
      return `gcp:${module}/${file.charAt(0).toLowerCase()}${file.slice(1)}:${cls}`;
    });
    const kind = this.readable(token, type);
    const { project, region, zone } = this.settings;
    const inputs: Props = { project, ...compact({ region, zone, location: region ?? zone }), ...args };
    const named = kind.fromId(textAt(args, "selfLink")?.replace(/^https?:\/\/[^/]+\/compute\/v1\//, "") ?? "");
    const wanted = { ...inputs, ...named };
    const live = await this.read(kind, wanted);
    if (live === undefined) {
      const what = textAt(wanted, "name") ?? textAt(args, "accountId") ?? JSON.stringify(args);
      throw new ProviderError(
        "NotFound",
        `Error reading ${kind.label} "${what}": googleapi: Error 404: The resource '${kind.id(wanted)}' was not found, notFound`,
      );
    }
    return { ...this.sdk.describe(type).zero, ...wanted, ...live, ...blocksAsLists(live), id: kind.id({ ...wanted, ...live }) };
  }

  private readable(token: string, type: string): Kind {
    try {
      return this.kindOf(type);
    } catch (cause) {
      const known = Object.keys(this.own)
        .map((t) => t.split(":").at(-1))
        .join(", ");
      throw new ProviderError("NotSupported", `${token}: the sandbox has ${known}, and a get function for each resource type`, {
        cause,
      });
    }
  }

  private async read(kind: Kind, inputs: Props): Promise<Props | undefined> {
    try {
      return await kind.read(this.cloud, inputs);
    } catch (error) {
      if (error instanceof CloudError)
        throw new ProviderError("Refused", `Error reading ${kind.label}: ${error.message}`, { cause: error });
      throw error;
    }
  }

  private clientConfig(): Promise<Props> {
    const { project, region = "", zone = "", defaultLabels } = this.settings;
    const id = `projects/"${project}"/regions/"${region}"/zones/"${zone}"/scopes/[]`;
    return Promise.resolve({ project, region, zone, defaultLabels, accessToken: "sandbox", id });
  }

  private async project(args: Props): Promise<Props> {
    const projectId = textAt(args, "projectId") ?? this.settings.project;
    const live = await this.cloud.find(`compute/v1/projects/${projectId}`);
    const number = textAt(live, "id") ?? numberFor(projectId);
    return { projectId, name: projectId, number, id: `projects/${projectId}`, labels: {}, effectiveLabels: {}, pulumiLabels: {} };
  }

  private async zones(args: Props): Promise<Props> {
    const project = textAt(args, "project") ?? this.settings.project;
    const region = textAt(args, "region") ?? this.settings.region ?? "";
    const list = at(await this.cloud.request("GET", `compute/v1/projects/${project}/zones`), "items");
    const names = (Array.isArray(list) ? list : [])
      .filter((z) => shortName(at(z, "region")) === region && (args.status === undefined || at(z, "status") === args.status))
      .map((z) => textAt(z, "name") ?? "");
    return { id: `projects/${project}/regions/${region}`, project, region, names: names.sort() };
  }

  private async engineVersions(args: Props): Promise<Props> {
    const project = textAt(args, "project") ?? this.settings.project;
    const location = textAt(args, "location") ?? this.settings.region ?? this.settings.zone ?? "";
    const config = await this.cloud.request("GET", `v1/projects/${project}/locations/${location}/serverConfig`);
    const versions = at(config, "validMasterVersions") ?? [];
    const latest = at(versions, "[0]") ?? "";
    return {
      ...compact({ project, location, validMasterVersions: versions, latestMasterVersion: latest, latestNodeVersion: latest }),
      ...compact({
        validNodeVersions: at(config, "validNodeVersions") ?? versions,
        defaultClusterVersion: at(config, "defaultClusterVersion"),
      }),
      releaseChannelDefaultVersion: {},
      releaseChannelLatestVersion: {},
      releaseChannelUpgradeTargetVersion: {},
      id: `projects/${project}/locations/${location}`,
    };
  }
}

/** What a resource has as one object (`masterAuth`), its data source has as a list under the plural (`masterAuths`). */
function blocksAsLists(live: Props): Props {
  const block = ([key, value]: [string, unknown]): boolean =>
    typeof value === "object" && value !== null && !Array.isArray(value) && !/labels$/i.test(key);
  return Object.fromEntries(
    Object.entries(live)
      .filter(block)
      .map(([key, value]) => [key.endsWith("y") ? `${key.slice(0, -1)}ies` : `${key}s`, [value]]),
  );
}
