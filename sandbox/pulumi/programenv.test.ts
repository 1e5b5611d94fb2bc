// SPDX-License-Identifier: Apache-2.0
// Loaders of the test runner must not reach the user's program.
import { expect } from "chai";
import { cliEnv } from "./cli";
import { programEnv } from "./programenv";

describe("environment of the program", () => {
  it("loses loaders and source map switches and keeps every other node option", () => {
    const NODE_OPTIONS = "--enable-source-maps --max-old-space-size=512 -r ts-node/register --import=tsx";
    expect(programEnv({ NODE_OPTIONS, A: "1" })).to.deep.equal({ NODE_OPTIONS: "--max-old-space-size=512", A: "1" });
    expect(programEnv({ NODE_OPTIONS: "--enable-source-maps" })).to.deep.equal({});
  });

  it("has no KUBECONFIG and none of the caller's own PULUMI variables", () => {
    const place = { dir: "/d", pulumiBinary: "/tools/pulumi", ports: { gcp: 1, kubernetes: 2, language: 3 } };
    const env = cliEnv(place, {
      KUBECONFIG: "/mine",
      PULUMI_ACCESS_TOKEN: "t",
      PULUMI_BACKEND_URL: "https://x",
      PATH: "/bin",
      HOME: "/h",
    });
    expect(env["KUBECONFIG"]).to.equal(undefined);
    expect(env["PULUMI_ACCESS_TOKEN"]).to.equal(undefined);
    expect(env["PULUMI_BACKEND_URL"]).to.equal("file:///d/state");
    expect(env["PULUMI_DEBUG_PROVIDERS"]).to.equal("gcp:1,kubernetes:2");
    expect(env["PULUMI_DEBUG_LANGUAGES"]).to.equal("nodejs:3");
    const spawned = cliEnv({ ...place, ports: { gcp: 1, kubernetes: 2 } }, {});
    expect("PULUMI_DEBUG_LANGUAGES" in spawned).to.equal(false);
    expect(env["HOME"]).to.equal("/h");
    expect(env["PATH"]?.split(":")[0]).to.equal("/tools");
  });
});
