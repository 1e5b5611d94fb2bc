// SPDX-License-Identifier: Apache-2.0
// The `kubernetes` stand-in: every object goes by server-side apply to a real API server, and a preview is a server dry run, so
// schema, defaults and CEL rules answer in a pull request as they would in the update. Rules of the real provider: pulumi.md 3.1.
// No yaml.v2 and no Helm chart: the engine refuses such remote components of a provider that leaves secrets to the engine, in its
// own words ("plugins that can construct components must support secrets").
import { createRequire } from "node:module";
import * as path from "node:path";
import { diffConfig } from "./kubernetes/diffconfig";
import { settingsOf } from "./kubernetes/kubeconfig";
import { KubernetesSession, type SessionOptions } from "./kubernetes/session";
import { ProviderError, type Checked, type Provider } from "./provider";
import { at, type Props } from "./value";

export interface KubernetesOptions extends SessionOptions {
  /** Folder whose node_modules has the program's @pulumi/kubernetes. */
  sdkRoot: string;
}

/** The provider object, to be served by `serveProvider`. @throws Error when @pulumi/kubernetes is not installed under sdkRoot */
export function kubernetesProvider(options: KubernetesOptions): Provider {
  return {
    name: "kubernetes",
    version: sdkVersion(options.sdkRoot, "@pulumi/kubernetes"),
    checkConfig,
    diffConfig,
    configure: (config) => new KubernetesSession(settingsOf(config), options),
  };
}

/** Version of the SDK that a program in `root` loads: the engine warns about a provider that is older. */
export function sdkVersion(root: string, name: string): string {
  const require = createRequire(path.join(root, "index.js"));
  try {
    return (require(`${name}/package.json`) as { version: string }).version;
  } catch (cause) {
    throw new ProviderError("NotFound", `${name} is not installed in "${root}"; run "npm install" there`, { cause });
  }
}

function checkConfig(news: Props): Checked {
  if (at(news, "renderYamlToDirectory") === undefined) return { inputs: news };
  const reason = "the sandbox writes to an API server and renders no YAML; remove this option";
  return { inputs: news, failures: [{ property: "renderYamlToDirectory", reason }] };
}
