// SPDX-License-Identifier: Apache-2.0
// What the quickstart is told where its nodes and packets are real: images that the nodes have, and Google's API where Pods can reach it.
import { SANDBOX_IMAGE } from "../image";
import { METADATA_IP } from "../vpc";

/** Values for `pulumi config set`. Three nodes in one zone: one may die and one be drained without the last one being lost. */
export const PACKET_CONFIG: Record<string, string> = {
  "gke-persistent-ip:zone": "us-central1-a",
  "gke-persistent-ip:nodes": "3",
  "gke-persistent-ip:image": SANDBOX_IMAGE,
  "gke-persistent-ip:workloadImage": SANDBOX_IMAGE,
  "gke-persistent-ip:initImage": SANDBOX_IMAGE,
  "gke-persistent-ip:computeEndpoint": `http://${METADATA_IP}/`,
};
