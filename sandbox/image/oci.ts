// SPDX-License-Identifier: Apache-2.0
// Packs a folder as an OCI image of one layer in a tar file, as `ctr images import` takes it (image-spec 1.0: image-layout, manifest, config).
// Times, owners and order are fixed, so the same content gives the same digests.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { runCommand } from "../vpc/namespace";

export interface ImageSpec {
  /** Full name with tag, e.g. `sandbox.local/pause:1`. */
  ref: string;
  entrypoint: string[];
  path: string;
}

const TYPE = "application/vnd.oci.image";
const ARCH: Record<string, string> = { x64: "amd64", arm64: "arm64" };

/** Packs `root` into `out`. @param work an empty folder for what lies between */
export async function packImage(root: string, out: string, spec: ImageSpec, work: string): Promise<void> {
  const blobs = join(work, "oci", "blobs", "sha256");
  await mkdir(blobs, { recursive: true });
  const layerFile = join(work, "layer.tar");
  await tar(root, layerFile);
  const layer = await addFile(blobs, layerFile);
  const config = await addJson(blobs, work, {
    architecture: ARCH[process.arch] ?? process.arch,
    os: "linux",
    config: { Env: [`PATH=${spec.path}`], Entrypoint: spec.entrypoint },
    rootfs: { type: "layers", diff_ids: [layer.digest] },
  });
  const manifest = await addJson(blobs, work, {
    schemaVersion: 2,
    mediaType: `${TYPE}.manifest.v1+json`,
    config: { mediaType: `${TYPE}.config.v1+json`, ...config },
    layers: [{ mediaType: `${TYPE}.layer.v1.tar`, ...layer }],
  });
  const annotations = { "io.containerd.image.name": spec.ref };
  const index = { schemaVersion: 2, manifests: [{ mediaType: `${TYPE}.manifest.v1+json`, ...manifest, annotations }] };
  await writeFile(join(work, "oci", "index.json"), JSON.stringify(index));
  await writeFile(join(work, "oci", "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  await tar(join(work, "oci"), `${out}.part`);
  await rename(`${out}.part`, out);
}

interface Descriptor {
  digest: string;
  size: number;
}

function tar(folder: string, file: string): Promise<string> {
  const fixed = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
  return runCommand("tar", [...fixed, "-C", folder, "-cf", file, "."]);
}

async function addFile(blobs: string, file: string): Promise<Descriptor> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  const hex = hash.digest("hex");
  const { size } = await stat(file);
  await copyFile(file, join(blobs, hex));
  await rm(file);
  return { digest: `sha256:${hex}`, size };
}

async function addJson(blobs: string, work: string, content: object): Promise<Descriptor> {
  const file = join(work, "part.json");
  await writeFile(file, JSON.stringify(content));
  return addFile(blobs, file);
}
