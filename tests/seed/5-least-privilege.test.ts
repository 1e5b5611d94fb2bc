// SPDX-License-Identifier: Apache-2.0
// The controller's rights, held against what it really asked of the API server in this run (the server's own audit log), and its calls to
// Google against Google's own schema.
import { expect } from "chai";
import { readFileSync } from "node:fs";
import { useSandbox } from "../support/sandbox";
import { schemasMissing, validateAll } from "../emulator/validator";

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}
const words = (rules: Rule[]): Set<string> =>
  new Set(
    rules.flatMap((r) =>
      r.apiGroups.flatMap((g) => r.resources.flatMap((res) => r.verbs.map((v) => `${g || "core"}/${res} ${v}`))),
    ),
  );

/** Granted although a run without trouble does not need it: why. */
const SPARE: Record<string, string> = {
  "core/events patch": "an Event that repeats is counted up instead of written again",
};

describe("least privilege", function () {
  this.timeout(60_000);
  const sandbox = useSandbox();

  it("DESIGN 9.8: the role has no unused verb and lacks none: rendered RBAC equals the verbs of the API server's audit log", async () => {
    const s = sandbox();
    const { items: roles } = await s.get<{ items: { metadata: { name: string }; rules: Rule[] }[] }>(
      "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    );
    const { items: local } = await s.get<{ items: { rules: Rule[] }[] }>(
      "/apis/rbac.authorization.k8s.io/v1/namespaces/persistent-ip-system/roles",
    );
    const granted = words([
      ...roles.filter((r) => r.metadata.name.includes("persistent-ip-controller")).flatMap((r) => r.rules),
      ...local.flatMap((r) => r.rules),
    ]);
    const used = new Set<string>();
    const refused: string[] = [];
    for (const line of readFileSync(s.world.cluster().auditLog, "utf8").trim().split("\n")) {
      const e = JSON.parse(line) as {
        user: { username: string };
        verb: string;
        responseStatus?: { code: number };
        requestURI: string;
        objectRef?: { apiGroup?: string; resource: string; subresource?: string; name?: string };
      };
      if (e.user.username !== "system:serviceaccount:persistent-ip-system:persistent-ip-controller" || !e.objectRef) continue;
      const { apiGroup = "core", resource, subresource } = e.objectRef;
      used.add(`${apiGroup}/${resource}${subresource ? `/${subresource}` : ""} ${e.verb}`);
      if (e.responseStatus?.code === 403) refused.push(e.requestURI);
    }
    expect(refused, "asked for and not allowed").to.deep.equal([]);
    expect(granted.size).to.be.greaterThan(10);
    // list stands behind every watch (WatchList asks with watch, the paged fallback with list); both are needed together.
    const wanted = new Set([...used].flatMap((u) => (u.endsWith(" watch") ? [u, u.replace(/ watch$/, " list")] : [u])));
    expect(
      [...wanted].filter((w) => !granted.has(w)),
      "used and not granted",
    ).to.deep.equal([]);
    expect([...granted].filter((g) => !wanted.has(g) && !(g in SPARE)).sort(), "granted and never used").to.deep.equal([]);
  });

  it("every exchange with the emulator in this run fits Google's Compute schema", function () {
    const missing = schemasMissing();
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    const log = sandbox().world.emulator.log.filter((e) => e.methodId.startsWith("compute."));
    expect(log.length).to.be.greaterThan(100);
    expect(validateAll(log)).to.deep.equal([]);
  });
});
