// SPDX-License-Identifier: Apache-2.0
// What users of the package write: a program in JavaScript and one in TypeScript.

/** Everything at once, against mocks: prints how many resources are registered and what the addresses come to. */
export const JAVASCRIPT = `const pulumi = require("@pulumi/pulumi");
const { PersistentPodIps, ArgumentError } = require("pulumi-gke-persistent-ip");
let count = 0;
const mocks = { call: () => ({}), newResource: (r) => { count += 1; return { id: r.name + "-id", state: { ...r.inputs, address: r.inputs.address || "203.0.113.1" } }; } };
(async () => {
  await pulumi.runtime.setMocks(mocks, "shop", "dev");
  pulumi.runtime.setAllConfig({ "gcp:project": "p" });
  let refused = "";
  try { new PersistentPodIps("bad", { region: "moon", cluster: {}, addresses: {} }); } catch (e) { refused = e instanceof ArgumentError ? String(e.errors.length > 1) : String(e); }
  const ips = new PersistentPodIps("shop", { region: "europe-west3", cluster: { existing: { name: "prod", location: "europe-west3", kubeconfig: "{}" } },
    networks: { blue: { existingNetwork: "blue", existingSubnetwork: "blue", existingPodRange: "pods" } }, addresses: { web: {} },
    routes: { web: { addresses: ["web"], podSelector: { matchLabels: { app: "web" } } } } });
  const address = await new Promise((done) => ips.addresses.web.apply(done));
  await pulumi.runtime.disconnect();
  console.log(JSON.stringify({ count, address, refused }));
})();
`;

/** @param extra a further argument, to see it refused */
export const typescript = (extra = ""): string => `import * as pulumi from "@pulumi/pulumi";
import { PersistentPodIps, PodIpRoute, PersistentPodIpsArgs } from "pulumi-gke-persistent-ip";

const args: PersistentPodIpsArgs = {
  region: "europe-west3",
  cluster: { existing: { name: "prod", location: "europe-west3" } },
  addresses: { web: { tier: "PREMIUM" } },
  routes: { web: { addresses: ["web"], podSelector: { matchLabels: { app: "web" } }, reactionMode: "Exists" } },
  onDestroy: "Retain",
  ${extra}
};
const ips = new PersistentPodIps("shop", args);
export const address: pulumi.Output<string> = ips.addresses["web"];
export const route = PodIpRoute;
`;
