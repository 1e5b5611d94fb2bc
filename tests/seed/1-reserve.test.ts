// SPDX-License-Identifier: Apache-2.0
// Step 2 of the seed: addresses, reserved with the seed's own gcloud commands against the emulator.
import { expect } from "chai";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { SEED, useSandbox } from "../support/sandbox";
import { run } from "../support/clients";

interface Address {
  name: string;
  address: string;
  addressType: string;
  region: string;
  status: string;
  purpose?: string;
}

describe("seed step 2: reserve addresses with gcloud", function () {
  this.timeout(60_000);
  const sandbox = useSandbox();
  let commands: string[];

  before(function () {
    try {
      // A blank line stands between the two commands.
      commands = readFileSync(path.join(SEED, "gcloud-commands.txt"), "utf8").trim().split(/\n\n/);
    } catch {
      console.log("      skipped: ../shared/data/seed is not there");
      this.skip();
    }
  });

  it("SEED-3 SEED-27 SEED-28 SEED-29 SEED-30: the first command, verbatim, reserves a regional external address", async () => {
    const s = sandbox();
    const ran = await run("sh", ["-c", commands[0]!], { env: s.env });
    expect(ran.code, ran.stderr).to.equal(0);
    const found = await s.gcloudJson<Address>(["compute", "addresses", "describe", "web", "--region", "us-central1"]);
    expect(found).to.include({ name: "web", addressType: "EXTERNAL", status: "RESERVED" });
    expect(found.region).to.match(/us-central1$/);
  });

  it("SEED-32: the second command as printed lacks a backslash, so a shell sees two commands and the internal address is not made", async () => {
    const s = sandbox();
    const ran = await run("sh", ["-c", commands[1]!.replace("web-internal", "web-printed")], { env: s.env });
    expect(ran.code).to.equal(127);
    const found = await s.gcloudJson<Address>(["compute", "addresses", "describe", "web-printed", "--region", "us-central1"]);
    expect(found.addressType).to.equal("EXTERNAL");
  });

  it("SEED-32 SEED-33 SEED-34 SEED-35: the second command with the line joined reserves an internal address in its subnetwork", async () => {
    const s = sandbox();
    const joined = commands[1]!.replace("us-central1\n", "us-central1 \\\n").replace("subnet-blue", "edge-blue-network");
    const ran = await run("sh", ["-c", joined], { env: s.env });
    expect(ran.code, ran.stderr).to.equal(0);
    const found = await s.gcloudJson<Address>(["compute", "addresses", "describe", "web-internal", "--region", "us-central1"]);
    expect(found).to.include({ address: "10.1.0.50", addressType: "INTERNAL", status: "RESERVED" });
  });

  it("SEED-33: several names in one command, as a list with spaces", async () => {
    const s = sandbox();
    await s.gcloud([
      "compute",
      "addresses",
      "create",
      "example-address-1",
      "example-address-2",
      "example-address-3",
      "--region",
      "us-central1",
    ]);
    const names = (await s.gcloudJson<Address[]>(["compute", "addresses", "list"])).map((a) => a.name);
    expect(names).to.include.members(["example-address-1", "example-address-2", "example-address-3"]);
  });

  it("SEED-36: an internal address outside of its subnetwork is refused", async () => {
    const s = sandbox();
    const ran = await s.gcloudRan([
      "compute",
      "addresses",
      "create",
      "outside",
      "--region",
      "us-central1",
      "--subnet",
      "edge-blue-network",
      "--addresses",
      "10.99.0.5",
    ]);
    expect(ran.code).to.equal(1);
    expect(ran.stderr).to.match(/10\.99\.0\.5/);
  });

  it("SEED-20 SEED-43: the addresses of the seed's manifests can be asked for by value", async () => {
    const s = sandbox();
    await s.gcloud(["compute", "addresses", "create", "seed-1", "--region", "us-central1", "--addresses", "34.123.10.1"]);
    await s.gcloud(["compute", "addresses", "create", "seed-2", "--region", "us-central1", "--addresses", "34.123.10.2"]);
    const found = await s.gcloudJson<Address[]>(["compute", "addresses", "list"]);
    expect(
      found
        .filter((a) => a.name.startsWith("seed-"))
        .map((a) => a.address)
        .sort(),
    ).to.deep.equal(["34.123.10.1", "34.123.10.2"]);
  });
});
