// SPDX-License-Identifier: Apache-2.0
// The pure parts of the controller's deployment: flags, rights, memory, names, the bundle file.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { REQUIRED_PERMISSIONS } from "../controller/api/permissions";
import { packageRoot, readBundle } from "./bundle";
import { heapMiB, memoryBytes } from "./controllerPod";
import { controllerFlags } from "./flags";
import { accountId, permissionsFor, roleIdOf } from "./identity";
import { kubeconfigFor } from "./kubeconfig";
import { clusterRules, ownRules, PERMISSIONS } from "./rbac";
import { bundleFile } from "./testing/mocks";

describe("controllerFlags", () => {
  const least = { project: "p", region: "europe-west3", clusterName: "edge", clusterLocation: "europe-west3-a", namespace: "ns" };

  it("writes every option the controller needs, in one order", () => {
    expect(controllerFlags(least)).to.deep.equal(
      (
        "--project p --region europe-west3 --cluster-name edge --cluster-location europe-west3-a --namespace ns --datapath dataplane-v2 " +
        "--gke-classes never --kind bundled --health-port 8081 --metrics-port 8080 --log-level info"
      ).split(" "),
    );
  });

  it("adds the others where they are set", () => {
    const flags = controllerFlags({
      ...least,
      networkProject: "host",
      datapath: "Device",
      computeEndpoint: "http://localhost:1/",
      gkeClasses: "IfAbsent",
      kind: "Observe",
      logLevel: "debug",
      workers: 3,
    }).join(" ");
    for (const text of [
      "--network-project host",
      "--datapath device",
      "--compute-endpoint http://localhost:1/",
      "--gke-classes if-absent",
      "--kind observe",
      "--log-level debug",
      "--workers 3",
    ])
      expect(flags).to.contain(text);
  });
});

describe("rights in Kubernetes", () => {
  const bundled = { gkeClasses: false, observe: false };

  it("have no wildcard, no secrets, no writing of Pods or Nodes, and nothing twice", () => {
    for (const p of PERMISSIONS) {
      expect([p.group, p.resource, ...p.verbs].join(" ")).to.not.contain("*");
      expect(p.resource).to.not.equal("secrets");
      if (["pods", "nodes", "namespaces"].includes(p.resource))
        expect(p.verbs.filter((v) => !["get", "list", "watch"].includes(v))).to.deep.equal([]);
    }
    const rules = [...clusterRules(bundled), ...ownRules(bundled)].flatMap((r) =>
      r.verbs.map((v) => `${r.apiGroups[0]}/${r.resources[0]} ${v}`),
    );
    expect(new Set(rules).size).to.equal(rules.length);
  });

  it("reach leases in the own namespace only", () => {
    expect(ownRules(bundled)).to.deep.equal([
      { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "create", "update"] },
    ]);
    expect(clusterRules(bundled).some((r) => r.resources.includes("leases"))).to.equal(false);
  });

  it("create GatewayClasses only where Google's names are wanted", () => {
    const verbs = (gkeClasses: boolean) =>
      clusterRules({ gkeClasses, observe: false }).find((r) => r.resources[0] === "gatewayclasses")!.verbs;
    expect(verbs(false)).to.not.include("create");
    expect(verbs(true)).to.include("create");
  });

  it("let an observer read and nothing else", () => {
    const verbs = clusterRules({ gkeClasses: true, observe: true }).flatMap((r) => r.verbs);
    expect(new Set(verbs)).to.deep.equal(new Set(["get", "list", "watch"]));
    expect(ownRules({ gkeClasses: true, observe: true })).to.deep.equal([]);
  });

  it("do not grow the table when they are rendered twice", () => {
    const first = JSON.stringify(clusterRules({ gkeClasses: true, observe: false }));
    expect(JSON.stringify(clusterRules({ gkeClasses: true, observe: false }))).to.equal(first);
  });
});

describe("rights in Google Cloud", () => {
  it("SEED-79: are those of the methods that the controller calls, and never the deletion of an address", () => {
    expect(permissionsFor("Bundled")).to.deep.equal([...REQUIRED_PERMISSIONS]);
    expect(permissionsFor(undefined)).to.not.include("compute.addresses.delete");
  });
  it("are reading ones for an observer", () => {
    const found = permissionsFor("Observe");
    expect(found).to.include("compute.forwardingRules.list");
    expect(found.every((p) => /\.(get|list)$/.test(p))).to.equal(true);
  });
});

describe("derived names", () => {
  it("fit Google's limits for every component name", () => {
    for (const name of ["a", "edge", "a-very-long-component-name", "x".repeat(40), "abcdefghijklm-nopqrstuvwxyz"]) {
      expect(accountId(name)).to.match(/^[a-z][-a-z0-9]{4,28}[a-z0-9]$/);
      expect(roleIdOf(name)).to.match(/^[A-Za-z0-9_.]{3,60}$/);
    }
  });
  it("differ for names that begin alike", () => {
    const [a, b] = ["a-very-long-component-name-1", "a-very-long-component-name-2"];
    expect(accountId(a)).to.not.equal(accountId(b));
  });
});

describe("memory", () => {
  it("is read as Kubernetes reads it", () => {
    expect(["1Mi", "1M", "1Gi", "1024", "0.5Gi", "512Ki"].map(memoryBytes)).to.deep.equal([
      1048576, 1e6, 1073741824, 1024, 536870912, 524288,
    ]);
    expect(["", "Mi", "1 Mi", "-1Mi", "1Tib"].map(memoryBytes)).to.deep.equal([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
  it("gives three quarters of the limit to the heap", () => expect(heapMiB("256Mi")).to.equal(192));
});

describe("kubeconfig", () => {
  it("has the exec plugin, the certificate and no secret", () => {
    const config = JSON.parse(kubeconfigFor({ name: "edge", endpoint: "192.0.2.1", ca: "Q0E=" })) as Record<string, unknown>;
    expect(config).to.have.nested.property("clusters[0].cluster.server", "https://192.0.2.1");
    expect(config).to.have.nested.property("clusters[0].cluster.certificate-authority-data", "Q0E=");
    expect(config).to.have.nested.property("users[0].user.exec.command", "gke-gcloud-auth-plugin");
    expect(JSON.stringify(config)).to.not.match(/token|password|client-key/);
  });
  it("leaves the certificate out for a DNS endpoint, and keeps a scheme that is there", () => {
    expect(kubeconfigFor({ name: "e", endpoint: "gke-x.goog" })).to.not.contain("certificate-authority-data");
    expect(kubeconfigFor({ name: "e", endpoint: "https://127.0.0.1:6443" })).to.contain('"server":"https://127.0.0.1:6443"');
  });
});

describe("bundle", () => {
  it("is named by its content alone", () => {
    const [a, b, c] = [bundleFile("one"), bundleFile("one"), bundleFile("two")];
    expect(readBundle(a.file)).to.deep.equal(readBundle(b.file));
    expect(readBundle(a.file).sha256).to.not.equal(readBundle(c.file).sha256);
    for (const f of [a, b, c]) f.done();
  });

  it("says which command makes it, or which argument is wrong, when it is missing", () => {
    expect(() => readBundle("/nowhere/controller.js.br")).to.throw(
      "/nowhere/controller.js.br does not exist (argument bundlePath)",
    );
  });

  it("tells a fresh clone to build, and a half built one to build again", () => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), "gkepip-root-"));
    expect(() => readBundle(undefined, root)).to.throw("not built yet; run npm run build");
    fs.mkdirSync(path.join(root, "dist", "bundle"), { recursive: true });
    fs.writeFileSync(path.join(root, "dist", "bundle", "controller.js.br"), "new");
    fs.writeFileSync(path.join(root, "dist", "bundle", "manifest.json"), '{"sha256":"old"}');
    expect(() => readBundle(undefined, root)).to.throw(/does not have the hash of its manifest .* run npm run build/);
    fs.rmSync(root, { recursive: true });
  });

  it("is refused where it is larger than a ConfigMap", () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "gkepip-large-"));
    const file = path.join(dir, "controller.js.br");
    fs.writeFileSync(file, Buffer.alloc(1024 * 1024 + 1));
    expect(() => readBundle(file)).to.throw("has 1048577 bytes; a ConfigMap holds at most 1048576");
    fs.rmSync(dir, { recursive: true });
  });

  it("is looked for in this package, whether its code runs from sources or compiled", () => {
    const root = path.resolve(__dirname, "..");
    expect(packageRoot(__dirname)).to.equal(root);
    expect(packageRoot(path.join(root, "dist", "components"))).to.equal(root);
    expect(packageRoot(os.tmpdir())).to.equal(undefined);
  });
});
