// SPDX-License-Identifier: Apache-2.0
// Who we are and what we may, on a real API server with RBAC: certificate, token, rotating service-account token, refusals.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import {
  type ApiClient,
  ApiError,
  createApiClient,
  inClusterConfig,
  isApiError,
  kubeconfigClient,
  Reflector,
  resourcePath,
  systemClock,
} from "../../controller/kubernetes";
import { sharedApiServer, type TestApiServer } from "../support/apiserver";
import { CONFIG_MAPS, type ConfigMap, eventually, newNamespace, putConfigMap } from "./world";

interface SelfReview {
  status: { userInfo: { username: string } };
}

describe("access to a real API server", function () {
  this.timeout(60_000);
  let server: TestApiServer;
  let admin: ApiClient;
  let namespace: string;
  let dir: string;

  before(async function () {
    server = await sharedApiServer(this);
    admin = server.client();
    namespace = await newNamespace(admin);
    dir = await mkdtemp(join(tmpdir(), "access-"));
  });

  after(async () => {
    if (dir) await rm(dir, { recursive: true });
  });

  async function whoAmI(client: ApiClient): Promise<string> {
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
    const review = await client.request<SelfReview>("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", { body });
    return review.status.userInfo.username;
  }

  async function failure(promise: Promise<unknown>): Promise<ApiError> {
    const error = await promise.then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).to.be.instanceOf(ApiError);
    return error as ApiError;
  }

  async function serviceAccountToken(name: string): Promise<string> {
    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await admin.request("POST", accounts, { body: { metadata: { name } } }).catch((error: unknown) => {
      if (!isApiError(error, "AlreadyExists")) throw error;
    });
    const body = { spec: { expirationSeconds: 3600 } };
    const answer = await admin.request<{ status: { token: string } }>("POST", `${accounts}/${name}/token`, { body });
    return answer.status.token;
  }

  it("works with a client certificate and with a token", async () => {
    expect(await whoAmI(server.client("alice", ["team"]))).to.equal("alice");
    const client = createApiClient({ server: server.server, caPem: server.caPem, token: server.adminToken });
    expect(await whoAmI(client)).to.equal(await whoAmI(admin));
    await client.close();
  });

  it("says Forbidden, with who and what, where RBAC says no", async () => {
    const error = await failure(server.client("mallory").request("GET", resourcePath(CONFIG_MAPS, namespace)));
    expect(error).to.include({ code: "Forbidden", status: 403, reason: "Forbidden", retry: false });
    expect(error.message).to.contain('User "mallory" cannot list resource "configmaps"');
  });

  it("says Unauthorized for a token that nobody issued", async () => {
    const client = createApiClient({ server: server.server, caPem: server.caPem, token: "made-up" });
    expect(await failure(client.request("GET", "/api/v1/nodes"))).to.include({ code: "Unauthorized", status: 401, retry: true });
    await client.close();
  });

  it("does not talk to a server whose certificate it cannot check", async () => {
    const client = createApiClient({ server: server.server, token: server.adminToken });
    expect(await failure(client.request("GET", "/version"))).to.include({ code: "Network" });
    await client.close();
  });

  it("runs on a service account as in a Pod, and picks up a rotated token file at once", async () => {
    await writeFile(join(dir, "ca.crt"), server.caPem);
    await writeFile(join(dir, "token"), "expired-by-now");
    const { hostname, port } = new URL(server.server);
    const client = createApiClient(inClusterConfig({ KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port }, dir));
    expect(await failure(whoAmI(client))).to.include({ code: "Unauthorized" });
    await writeFile(join(dir, "token"), await serviceAccountToken("controller"));
    expect(await whoAmI(client)).to.equal(`system:serviceaccount:${namespace}:controller`);
    await client.close();
  });

  it("lets a reflector wait through 403 until the role is granted (C6)", async () => {
    await putConfigMap(admin, namespace, "a", "1");
    const client = server.client("late");
    const tuning = { backoffBaseMs: 20, backoffCapMs: 100 };
    const options = { client, kind: CONFIG_MAPS, namespace, clock: systemClock, random: Math.random, tuning };
    let refusals = 0;
    client.onRequest(({ status }) => (refusals += status === 403 ? 1 : 0));
    const reflector = new Reflector<ConfigMap>(options);
    reflector.start();
    await eventually("some refusals", () => refusals >= 2);
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list", "watch"] }];
    await admin.request("POST", `${rbac}/roles`, { body: { metadata: { name: "reader" }, rules } });
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" };
    const subjects = [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "late" }];
    await admin.request("POST", `${rbac}/rolebindings`, { body: { metadata: { name: "reader" }, roleRef, subjects } });
    await reflector.whenSynced();
    expect(reflector.store.get(`${namespace}/a`)?.data).to.deep.equal({ value: "1" });
    await reflector.stop();
  });

  it("reads the kubeconfig that kubectl uses", async () => {
    const client = createApiClient(kubeconfigClient(server.plane.adminKubeconfig));
    expect(await client.request<{ major: string }>("GET", "/version")).to.have.property("major", "1");
    await client.close();
  });
});
