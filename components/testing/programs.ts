// SPDX-License-Identifier: Apache-2.0
// For tests: a program that is right in everything, to be made wrong in one thing at a time.
import type { PersistentPodIpsArgs } from "../argsPods";
import { ArgumentError } from "../argumentError";
import { bundleFile } from "./mocks";

let file: string | undefined;
/** One small bundle for all tests of a process. */
export function testBundle(): string {
  if (file === undefined) {
    const made = bundleFile();
    file = made.file;
    process.once("exit", made.done);
  }
  return file;
}

/** The topology of the seed: a proxy with two external addresses on blue-network, and an internal one. */
export function goodArgs(): PersistentPodIpsArgs {
  return {
    region: "europe-west3",
    cluster: { create: { network: "main", subnetwork: "main", podRange: "pods", serviceRange: "services" } },
    networks: {
      "blue-network": {
        cidr: "10.1.0.0/20",
        podCidr: "10.128.0.0/16",
        ingress: { web: { sources: ["198.51.100.0/24"], protocol: "tcp", ports: ["443"] } },
      },
    },
    addresses: { web: {}, sip: { address: "34.123.10.2" }, inside: { network: "blue-network", address: "10.1.0.50" } },
    routes: {
      proxy: { namespace: "proxy", addresses: ["web", "sip"], podSelector: { matchLabels: { component: "proxy" } } },
      store: {
        namespace: "proxy",
        addresses: ["inside"],
        podSelector: { matchLabels: { "statefulset.kubernetes.io/pod-name": "store-0" } },
      },
    },
    namespaces: { proxy: { labels: { team: "edge" } } },
    labels: { team: "edge" },
    controller: { bundlePath: testBundle() },
  };
}

/** The paths that a piece of program is refused for. @throws Error when it is not refused */
export function refusal(build: () => unknown): { paths: string[]; message: string; error: ArgumentError } {
  try {
    build();
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    return { paths: error.errors.map((e) => e.propertyPath), message: error.message, error };
  }
  throw new Error("not refused");
}
