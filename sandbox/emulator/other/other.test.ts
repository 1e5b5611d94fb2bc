// SPDX-License-Identifier: Apache-2.0
// The metadata server with Google's own client library, and the sandbox's store.
import { expect } from "chai";
import { GoogleAuth } from "google-auth-library";
import type { Emulator } from "../index";
import { startEmulator } from "../index";
import type { TestClient } from "../test-client";
import { testClient } from "../test-client";

describe("metadata server", () => {
  let emulator: Emulator;
  let client: TestClient;
  const get = (path: string, headers: Record<string, string> = { "metadata-flavor": "Google" }) =>
    client.raw("GET", path, undefined, headers);

  before(async () => {
    emulator = await startEmulator({ project: "p1", instanceAttributes: { "cluster-name": "edge" } });
    client = testClient(emulator);
  });
  after(() => emulator.close());

  it("answers only with the flavor header, and marks its answers", async () => {
    const answer = await get("computeMetadata/v1/project/project-id");
    expect([answer.status, answer.body.text, answer.headers.get("metadata-flavor")]).to.deep.equal([200, "p1", "Google"]);
    expect((await get("computeMetadata/v1/project/project-id", {})).status).to.equal(403);
    expect((await get("computeMetadata/v1/nothing")).status).to.equal(404);
    expect((await get("")).headers.get("metadata-flavor")).to.equal("Google");
  });

  it("shows directories, values and the recursive form", async () => {
    expect((await get("computeMetadata/v1/instance/service-accounts/")).body.text).to.equal(
      "default/\nsandbox@p1.iam.gserviceaccount.com/\n",
    );
    expect((await get("computeMetadata/v1/project/numeric-project-id")).body.text).to.equal(emulator.projectNumber);
    expect((await get("computeMetadata/v1/instance/attributes/cluster-name")).body.text).to.equal("edge");
    expect((await get("computeMetadata/v1/instance/service-accounts/default/scopes")).body.text).to.equal(
      "https://www.googleapis.com/auth/cloud-platform\n",
    );
    const all = (await get("computeMetadata/v1/instance/service-accounts/default/?recursive=true")).body;
    expect(all).to.include({ email: "sandbox@p1.iam.gserviceaccount.com" });
    expect((await get("computeMetadata/v1/instance/service-accounts/default/token")).body).to.include({ token_type: "Bearer" });
  });

  it("is where google-auth-library finds project and token", async () => {
    const names = [
      "GCE_METADATA_HOST",
      "GOOGLE_APPLICATION_CREDENTIALS",
      "GOOGLE_CLOUD_PROJECT",
      "HOME",
      "METADATA_SERVER_DETECTION",
    ] as const;
    const saved = names.map((name) => process.env[name]);
    Object.assign(process.env, {
      GCE_METADATA_HOST: `127.0.0.1:${emulator.port}`,
      METADATA_SERVER_DETECTION: "assume-present",
      HOME: "/nonexistent",
    });
    delete process.env.GOOGLE_APPLICATION_CREDENTIALS;
    delete process.env.GOOGLE_CLOUD_PROJECT;
    try {
      const auth = new GoogleAuth({ scopes: "https://www.googleapis.com/auth/compute" });
      expect(await auth.getAccessToken()).to.match(/^sandbox-token-/);
      expect(await auth.getProjectId()).to.equal("p1");
    } finally {
      names.forEach((name, index) => {
        if (saved[index] === undefined) delete process.env[name];
        else process.env[name] = saved[index];
      });
    }
  });
});

describe("generic store", () => {
  it("keeps any object under a type and an id that may contain slashes", async () => {
    const emulator = await startEmulator({ project: "p1" });
    const { raw } = testClient(emulator);
    const base = "sandbox/v1/resources";
    expect((await raw("PUT", `${base}/iam-members/p1/roles/x`, { member: "m" })).status).to.equal(200);
    expect((await raw("GET", `${base}/iam-members/p1/roles/x`)).body).to.deep.equal({ member: "m" });
    expect((await raw("PUT", `${base}/iam-members/p1/roles/x`, {}, { "if-none-match": "*" })).status).to.equal(409);
    expect((await raw("GET", `${base}/iam-members`)).body).to.deep.equal({
      items: [{ id: "p1/roles/x", value: { member: "m" } }],
    });
    expect((await raw("GET", base)).body).to.deep.equal({ types: ["iam-members"] });
    expect((await raw("DELETE", `${base}/iam-members/p1/roles/x`)).status).to.equal(204);
    expect((await raw("GET", `${base}/iam-members/p1/roles/x`)).status).to.equal(404);
    expect((await raw("DELETE", `${base}/iam-members/p1/roles/x`)).status).to.equal(404);
    await emulator.close();
  });
});
