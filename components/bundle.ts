// SPDX-License-Identifier: Apache-2.0
// The controller's program as a file of this package. Its content alone decides its name in the cluster: same code, no difference.
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { RunError } from "@pulumi/pulumi";

export interface Bundle {
  /** SHA-256 of the file, hexadecimal. */
  sha256: string;
  /** Content for ConfigMap.binaryData. */
  base64: string;
}

/** Most bytes that a ConfigMap holds. */
const CONFIG_MAP_LIMIT = 1024 * 1024;
const PACKAGE = "pulumi-gke-persistent-ip";

/** Folder of this package: the nearest one above whose package.json has our name, from sources as from compiled files. */
export function packageRoot(from: string): string | undefined {
  const manifest = path.join(from, "package.json");
  if (fs.existsSync(manifest) && (JSON.parse(fs.readFileSync(manifest, "utf8")) as { name?: string }).name === PACKAGE)
    return from;
  const up = path.dirname(from);
  return up === from ? undefined : packageRoot(up);
}

const cannot = (message: string): RunError => new RunError(`controller bundle: ${message}`);

/** The hash that the build wrote down beside the bundle, where it did. */
function manifestHash(file: string): string | undefined {
  const manifest = path.join(path.dirname(file), "manifest.json");
  if (!fs.existsSync(manifest)) return undefined;
  return (JSON.parse(fs.readFileSync(manifest, "utf8")) as { sha256?: string }).sha256;
}

/**
 * Reads the bundle.
 * @param bundlePath another file than that of this package
 * @param root folder of this package
 * @throws RunError where it is missing, damaged or too large
 */
export function readBundle(bundlePath?: string, root = packageRoot(__dirname)): Bundle {
  const file = bundlePath ?? path.join(root ?? __dirname, "dist", "bundle", "controller.js.br");
  if (!fs.existsSync(file))
    throw cannot(
      bundlePath === undefined ? "not built yet; run npm run build" : `${bundlePath} does not exist (argument bundlePath)`,
    );
  const data = fs.readFileSync(file);
  const sha256 = crypto.createHash("sha256").update(data).digest("hex");
  const wanted = bundlePath === undefined ? manifestHash(file) : undefined;
  if (wanted !== undefined && wanted !== sha256)
    throw cannot(`does not have the hash of its manifest (${sha256} instead of ${wanted}); run npm run build`);
  if (data.length > CONFIG_MAP_LIMIT) throw cannot(`has ${data.length} bytes; a ConfigMap holds at most ${CONFIG_MAP_LIMIT}`);
  return { sha256, base64: data.toString("base64") };
}
