// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { createDisplay, seconds, table } from "./display";
import { changes } from "./demo";
import { environmentOf, shellFile } from "./environment";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";

function out(isTTY: boolean): { text: () => string; write: (t: string) => boolean; isTTY: boolean; columns: number } {
  const chunks: string[] = [];
  return { write: (t) => chunks.push(t) > 0, text: () => chunks.join(""), isTTY, columns: 60 };
}

describe("the sandbox's display", () => {
  it("prints one plain line a step in a log: no escapes, no carriage return", async () => {
    const o = out(false);
    const d = createDisplay(o);
    await d.step(
      "build",
      () => Promise.resolve(3),
      (n) => `${n} files`,
    );
    expect(o.text()).to.match(/^✔ build +0\.\d s {2}3 files\n$/);
  });

  it("rewrites one line on a terminal and leaves the finished step on a line of its own", async () => {
    const o = out(true);
    const d = createDisplay(o);
    await d.step("build", async (p) => {
      p.update("312/1450 packages");
      await new Promise((r) => setTimeout(r, 250));
    });
    expect(o.text()).to.contain("\r\u001b[2K").and.to.contain("312/1450 packages");
    expect(o.text().split("\n")).to.have.length(2);
    expect(o.text()).to.match(/✔.*build.*\n$/);
  });

  it("never lets the moving line be wider than the terminal", async () => {
    const o = out(true);
    await createDisplay(o).step("build", async (p) => {
      p.update("x".repeat(500));
      await new Promise((r) => setTimeout(r, 150));
    });
    for (const part of o.text().split("\r\u001b[2K"))
      expect(part.replace(/\u001b\[\d+m/g, "").split("\n")[0]!.length).to.be.at.most(60);
  });

  it("says in a log that a long step still runs, and what it does", async () => {
    const o = out(false);
    let now = 0;
    await createDisplay(o, () => now).step("build", async (p) => {
      p.update("312/1450 packages");
      now = 20_000;
      await new Promise((r) => setTimeout(r, 150));
    });
    expect(o.text()).to.contain("… build 20 s  312/1450 packages\n");
  });

  it("marks a step that failed, keeps it in the list, and passes the error on", async () => {
    const o = out(false);
    const d = createDisplay(o);
    let error: unknown;
    await d.step("build", () => Promise.reject(new Error("no Go"))).catch((e: unknown) => (error = e));
    expect(error).to.have.property("message", "no Go");
    expect(d.steps).to.have.length(1);
    expect(d.steps[0]).to.include({ name: "build", ok: false, detail: "no Go" });
    expect(o.text()).to.match(/^✖ build/);
  });

  it("writes times as a person would", () => {
    expect([850, 9_949, 59_400, 600_000].map(seconds)).to.deep.equal(["0.8 s", "9.9 s", "59 s", "10m00s"]);
  });

  it("lines up columns", () => {
    expect(table(["A", "LONG"], [["xx", "y"]])).to.equal("A   LONG\nxx  y");
  });
});

describe("what Pulumi said", () => {
  it("is counted by kind, from a preview and from an update", () => {
    expect(changes("Resources:\n    + 49 to create\n")).to.deep.equal({ create: 49 });
    expect(
      changes("Resources:\n    + 1 created\n    ~ 2 updated\n    - 3 deleted\n    +-4 replaced\n    7 unchanged\n"),
    ).to.deep.equal({ create: 1, update: 2, delete: 3, replace: 4, unchanged: 7 });
  });
});

describe("the file of variables", () => {
  const dir = mkdtempSync(path.join(tmpdir(), "env-"));
  after(() => rmSync(dir, { recursive: true }));
  const env = environmentOf({
    dir,
    emulatorUrl: "http://127.0.0.1:1/",
    project: "p",
    region: "r",
    bin: ["/a", "/b"],
    pulumi: { PULUMI_HOME: "/it's", OTHER: "x", PULUMI_NONE: undefined },
    kubeconfig: "/k",
  });

  it("points gcloud at the emulator and keeps it from asking the network whether this is a VM", () => {
    expect(env).to.include({
      CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: "http://127.0.0.1:1/compute/v1/",
      CLOUDSDK_CORE_PROJECT: "p",
      KUBECONFIG: "/k",
    });
    expect(statSync(path.join(env["CLOUDSDK_CONFIG"]!, "gce")).mtimeMs).to.be.greaterThan(Date.now() + 86_400_000);
  });
  it("takes over Pulumi's variables and nothing else of that environment", () => {
    expect(env).to.include({ PULUMI_HOME: "/it's" });
    expect(env).to.not.have.any.keys("OTHER", "PULUMI_NONE");
  });
  it("can be sourced: values are quoted, PATH is put in front", () => {
    const text = shellFile(env);
    expect(text).to.contain("export PULUMI_HOME='/it'\\''s'\n").and.to.contain("export PATH='/a:/b':\"$PATH\"");
  });
});
