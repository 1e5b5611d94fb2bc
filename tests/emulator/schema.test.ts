// SPDX-License-Identifier: Apache-2.0
// The method tables against Google's discovery data: ids, verbs and paths.
import { expect } from "chai";
import { clusterRows } from "../../sandbox/emulator/container/clusters";
import { nodePoolRows } from "../../sandbox/emulator/container/node-pools";
import type { ContainerState } from "../../sandbox/emulator/container/state";
import type { Row } from "../../sandbox/emulator/env";
import { COMPUTE_ROWS } from "../../sandbox/emulator/table";
import type { Discovery, Method } from "./validator";
import { readDiscovery, schemasMissing, validateExchange } from "./validator";

function methods(document: Discovery): Map<string, Method> {
  return new Map(Object.values(document.resources).flatMap((all) => Object.values(all).map((method) => [method.id, method])));
}

/** A template without the names of its parameters. */
function shape(template: string): string {
  return template.replace(/\{\w+\}/g, "{}");
}

describe("method tables and Google's schema", function () {
  before(function () {
    const missing = schemasMissing();
    if (missing) {
      console.log(`      ${missing}`);
      this.skip();
    }
  });

  const different = (rows: readonly Row[], known: Map<string, Method>, named: boolean) =>
    rows.filter((row) => {
      const method = known.get(row.id);
      const spell = named ? (text: string) => text : shape;
      return method?.httpMethod !== row.verb || spell(method.flatPath) !== spell(row.path);
    });

  it("has every Compute method under Google's id, verb and path, parameter names included", () => {
    expect(different(COMPUTE_ROWS, methods(readDiscovery("compute")), true)).to.deep.equal([]);
    expect(new Set(COMPUTE_ROWS.map((row) => row.id)).size).to.equal(COMPUTE_ROWS.length);
  });

  it("has every Container method under Google's id, verb and path", () => {
    const none = {} as ContainerState;
    const rows = [...clusterRows(none), ...nodePoolRows(none)];
    expect(different(rows, methods(readDiscovery("container")), false)).to.deep.equal([]);
  });

  it("covers the resources the system works with", () => {
    const ids = new Set(COMPUTE_ROWS.map((row) => row.id));
    const all = [...methods(readDiscovery("compute")).keys()];
    const left = all.filter(
      (id) =>
        !ids.has(id) &&
        /^compute\.(addresses|forwardingRules|targetInstances|instances|\w+Operations|regions|zones|projects)\./.test(id),
    );
    expect(left).to.deep.equal(["compute.addresses.move", "compute.targetInstances.setSecurityPolicy"]);
  });

  it("finds what is wrong in an exchange", () => {
    const right = {
      at: 0,
      method: "POST",
      path: "/compute/v1/projects/p1/regions/us-central1/addresses",
      query: { alt: "json" },
      methodId: "compute.addresses.insert",
      request: { name: "web" },
      status: 200,
      response: { kind: "compute#operation", id: "4", name: "operation-1", status: "DONE" },
      userAgent: "",
    };
    expect(validateExchange(right)).to.deep.equal([]);
    expect(validateExchange({ ...right, request: { nam: "web" } }).join()).to.match(/name is required.*additional propert/);
    expect(validateExchange({ ...right, query: { maxResult: "1" } }).join()).to.contain("maxResult is not known");
    expect(validateExchange({ ...right, response: { status: "FINISHED" } }).join()).to.contain("response/status");
    expect(validateExchange({ ...right, path: "/compute/v1/projects/p1/regions/US/addresses" }).join()).to.contain("region");
    expect(validateExchange({ ...right, methodId: "compute.addresses.invent" }).join()).to.contain("no such method");
    expect(validateExchange({ ...right, status: 404, response: { error: "gone" } }).join()).to.contain("error shape");
  });
});
