// SPDX-License-Identifier: Apache-2.0
// This package as an installed plugin of the engine's home: the files that a release carries, and beside them what "npm install" would bring.
import { cpSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import * as path from "node:path";
import { ROOT } from "../../sandbox/demo";

export const VERSION = (JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")) as { version: string }).version;

/** @param home PULUMI_HOME of the engine */
export function installPlugin(home: string): void {
  const folder = path.join(home, "plugins", `resource-gke-persistent-ip-v${VERSION}`);
  mkdirSync(path.join(folder, "node_modules"), { recursive: true });
  cpSync(path.join(ROOT, "provider", "plugin"), folder, { recursive: true });
  symlinkSync(ROOT, path.join(folder, "node_modules", "pulumi-gke-persistent-ip"));
  symlinkSync(path.join(ROOT, "node_modules", "@pulumi"), path.join(folder, "node_modules", "@pulumi"));
}
