// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ConfigError, inClusterConfig, kubeconfigClient, kubeconfigNamespace } from "./config";
import { FakeClock } from "./testing";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

function kubeconfig(user: string, cluster = `server: "https://h:6443"`): string {
  return `
apiVersion: v1
kind: Config
current-context: main
contexts:
- name: main
  context: { cluster: c, user: u, namespace: team }
- name: other
  context: { cluster: d, user: nobody }
clusters:
- name: c
  cluster: { ${cluster} }
- name: d
  cluster: { server: "https://d" }
users:
- name: u
  user: { ${user} }
- name: nobody
  user: {}
`;
}

describe("configuration", () => {
  let dir: string;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "config-"));
    await writeFile(join(dir, "ca.crt"), "CA");
    await writeFile(join(dir, "client.key"), "KEY");
  });

  after(() => rm(dir, { recursive: true }));

  it("in a Pod comes from the environment and the service account's folder", () => {
    const env = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" };
    expect(inClusterConfig(env, dir)).to.deep.equal({
      server: "https://10.96.0.1:443",
      caPem: "CA",
      tokenFile: join(dir, "token"),
    });
    expect(inClusterConfig({ ...env, KUBERNETES_SERVICE_HOST: "fd00::1" }, dir).server).to.equal("https://[fd00::1]:443");
  });

  it("outside a Pod says what is missing", () => {
    expect(() => inClusterConfig({}, dir)).to.throw(ConfigError, "KUBERNETES_SERVICE_HOST: is not set");
    expect(() => inClusterConfig({ KUBERNETES_SERVICE_HOST: "h" }, dir)).to.throw(
      ConfigError,
      "KUBERNETES_SERVICE_PORT: is not set",
    );
    const env = { KUBERNETES_SERVICE_HOST: "h", KUBERNETES_SERVICE_PORT: "1" };
    expect(() => inClusterConfig(env, join(dir, "none"))).to.throw(ConfigError, "ca.crt cannot be read");
  });

  it("of a kubeconfig gives server, CA and token of the current context or of the one named", () => {
    const text = kubeconfig(
      "token: secret",
      `server: "https://h:6443", certificate-authority-data: ${base64("DATA")}, tls-server-name: n`,
    );
    expect(kubeconfigClient(text)).to.include({ server: "https://h:6443", caPem: "DATA", token: "secret", tlsServerName: "n" });
    expect(kubeconfigClient(text, { context: "other" })).to.include({ server: "https://d", token: undefined });
    expect([kubeconfigNamespace(text), kubeconfigNamespace(text, { context: "other" })]).to.deep.equal(["team", "default"]);
  });

  it("of a kubeconfig reads files, relative to its own folder, and lets inline data win", () => {
    const text = kubeconfig(
      `client-certificate-data: ${base64("CERT")}, client-certificate: none.crt, client-key: client.key, tokenFile: token`,
      `server: "https://h", certificate-authority: ${join(dir, "ca.crt")}`,
    );
    const config = kubeconfigClient(text, { baseDir: dir });
    expect(config).to.include({ caPem: "CA", clientCertPem: "CERT", clientKeyPem: "KEY", tokenFile: join(dir, "token") });
  });

  const bad: [string, string, string][] = [
    ["text that is not YAML", "a: [", "kubeconfig: is not YAML"],
    ["an empty text", "", "kubeconfig: is empty"],
    ["no current context", "kind: Config", "current-context: is not set"],
    ["an unknown cluster", kubeconfig("").replace("cluster: c,", "cluster: x,"), 'clusters: no entry named "x"; there are: c, d'],
    ["an unknown user", kubeconfig("").replace("user: u,", "user: x,"), 'users: no entry named "x"; there are: u, nobody'],
    ["a cluster without server", kubeconfig("", "{}").replace("{ {} }", "{}"), "clusters[c].server: is missing"],
    ["a proxy", kubeconfig("", "server: s, proxy-url: p"), "clusters[c].proxy-url: p is not supported"],
    ["a password", kubeconfig("username: me, password: x"), "username: basic authentication was removed"],
    [
      "an auth provider",
      kubeconfig("auth-provider: { name: gcp }"),
      "auth-provider: gcp was removed in Kubernetes 1.26; use an exec plugin",
    ],
    ["a missing file", kubeconfig("client-key: /none"), "client-key: /none cannot be read"],
  ];
  for (const [what, text, message] of bad) {
    it(`refuses ${what}, naming the field`, () => {
      expect(() => kubeconfigClient(text)).to.throw(ConfigError, message);
    });
  }

  it("names the contexts there are when the one asked for is not", () => {
    expect(() => kubeconfigClient(kubeconfig(""), { context: "x" })).to.throw(
      'contexts: no entry named "x"; there are: main, other',
    );
  });
});

describe("exec plugin", () => {
  let dir: string;
  const clock = new FakeClock();

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "exec-"));
  });

  after(() => rm(dir, { recursive: true }));

  async function plugin(
    output: string,
    apiVersion = "client.authentication.k8s.io/v1",
  ): Promise<(refresh?: boolean) => Promise<string>> {
    const command = join(dir, "plugin.sh");
    await writeFile(command, `#!/bin/sh\necho "$KUBERNETES_EXEC_INFO $EXTRA $1" >> ${dir}/calls\n${output}\n`);
    await chmod(command, 0o755);
    await rm(join(dir, "calls"), { force: true });
    const user = `exec: { apiVersion: ${apiVersion}, command: ${command}, args: [arg], env: [{ name: EXTRA, value: extra }], provideClusterInfo: true }`;
    const { tokenProvider } = kubeconfigClient(kubeconfig(user), { clock });
    return (refresh = false) => tokenProvider?.({ refresh }) ?? Promise.reject(new Error("no provider"));
  }

  const calls = async (): Promise<string[]> => (await readFile(join(dir, "calls"), "utf8")).trim().split("\n");
  const credential = (status: object): string =>
    `echo '${JSON.stringify({ apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status })}'`;

  for (const version of ["v1", "v1beta1"]) {
    it(`gives the token of an ExecCredential ${version}, and passes arguments, environment and cluster on`, async () => {
      const token = await plugin(credential({ token: "t1" }), `client.authentication.k8s.io/${version}`);
      expect(await token()).to.equal("t1");
      const [call = ""] = await calls();
      expect(call).to.match(/ extra arg$/);
      expect(JSON.parse(call.slice(0, call.lastIndexOf("}") + 1))).to.deep.equal({
        apiVersion: `client.authentication.k8s.io/${version}`,
        kind: "ExecCredential",
        spec: { interactive: false, cluster: { server: "https://h:6443" } },
      });
    });
  }

  it("runs once for calls that come together, again after a refusal, and again shortly before the token expires", async () => {
    const expirationTimestamp = new Date(clock.now() + 600_000).toISOString();
    const token = await plugin(credential({ token: "t", expirationTimestamp }));
    await Promise.all([token(), token(), token()]);
    expect(await calls()).to.have.length(1);
    await token(true);
    expect(await calls()).to.have.length(2);
    await clock.advance(539_000);
    await token();
    expect(await calls()).to.have.length(2);
    await clock.advance(2_000);
    await token();
    expect(await calls()).to.have.length(3);
  });

  const bad: [string, string, string][] = [
    ["that fails", "echo 'please log in' >&2; exit 1", "failed: please log in"],
    ["that prints no JSON", "echo hello", "did not print an ExecCredential as JSON"],
    ["without a token", credential({}), "gave no status.token"],
    ["with a certificate only", credential({ clientCertificateData: "x" }), "only tokens are supported"],
  ];
  for (const [what, output, message] of bad) {
    it(`makes Unauthorized of a plugin ${what}`, async () => {
      const token = await plugin(output);
      const error = await token().catch((e: { code?: string; message?: string }) => e);
      expect(error).to.have.property("code", "Unauthorized");
      expect(error).to.have.property("message").that.contains(message);
    });
  }

  it("names an apiVersion it does not speak, and a plugin that is not installed with its hint", async () => {
    const old = await plugin("", "client.authentication.k8s.io/v1alpha1");
    expect(await old().catch((e: Error) => e.message)).to.contain('"client.authentication.k8s.io/v1alpha1" is not one of');
    const user = "exec: { apiVersion: client.authentication.k8s.io/v1, command: /none/plugin, installHint: get it there }";
    const { tokenProvider } = kubeconfigClient(kubeconfig(user), { clock });
    expect(await tokenProvider?.({ refresh: false }).catch((e: Error) => e.message)).to.contain(
      "/none/plugin: is not installed. get it there",
    );
  });
});
