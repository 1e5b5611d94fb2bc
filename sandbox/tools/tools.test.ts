// SPDX-License-Identifier: Apache-2.0
// Where programs are looked for, which versions will do, and that one of two builders waits for the other.
import { expect } from "chai";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isPackageLine, linkerFlags, requiredVersion } from "./build";
import { findTool, placesOf } from "./find";
import { cacheFolder, durationText, ensureTools, findTools, progressText, ToolsMissingError } from "./index";
import { withLock } from "./lock";
import { accepted, parseVersion, TOOLS } from "./table";

const KUBECTL = TOOLS.find((spec) => spec.key === "kubectl")!;

describe("tools of the sandbox", () => {
  let dir: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "tools-"));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  /** A program that prints a version. */
  async function program(folder: string, name: string, version: string): Promise<string> {
    const file = join(dir, folder, name);
    await mkdir(join(dir, folder), { recursive: true });
    await writeFile(file, `#!/bin/sh\necho "${version}"\n`);
    await chmod(file, 0o755);
    return file;
  }

  it("reads versions as Kubernetes, etcd, kwok and pulumi print them", () => {
    expect(parseVersion("Kubernetes v1.34.4")).to.deep.equal([1, 34]);
    expect(parseVersion("etcd Version: 3.6.4\nGit SHA: x")).to.deep.equal([3, 6]);
    expect(parseVersion("Client Version: v1.32.4-dispatcher")).to.deep.equal([1, 32]);
    expect(parseVersion("unknown")).to.equal(undefined);
  });

  it("accepts a kubectl one minor away from the API server and no other", () => {
    expect([32, 33, 34, 35, 36].map((minor) => accepted(KUBECTL, [1, minor]))).to.deep.equal([false, true, true, true, false]);
  });

  it("takes KUBEBUILDER_ASSETS first whatever the version, then PATH if the version will do, then the cache", async () => {
    const assets = await program("assets", "kubectl", "v1.20.0");
    const old = await program("old", "kubectl", "v1.32.0");
    const good = await program("good", "kubectl", "v1.34.1");
    const cached = await program("cache", "kubectl", "v1.34.4");
    const cacheBin = join(dir, "cache");
    const find = (env: NodeJS.ProcessEnv): Promise<string | undefined> => findTool(KUBECTL, placesOf(env, cacheBin));
    const both = `${join(dir, "old")}:${join(dir, "good")}`;
    expect(await find({ KUBEBUILDER_ASSETS: join(dir, "assets"), PATH: both })).to.equal(assets);
    expect(await find({ PATH: both })).to.equal(good);
    expect(await find({ PATH: join(dir, "old") })).to.equal(cached);
    expect(await findTool(KUBECTL, placesOf({ PATH: join(dir, "old") }, join(dir, "none")))).to.equal(undefined);
    expect(old).to.be.a("string");
  });

  it("decides for each program by itself: one from KUBEBUILDER_ASSETS, the others named as missing", async () => {
    await program("assets", "etcd", "etcd Version: 3.5.0");
    const found = await findTools(["kubernetes"], {
      KUBEBUILDER_ASSETS: join(dir, "assets"),
      PATH: "",
      XDG_CACHE_HOME: join(dir, "xdg"),
    });
    expect(found).to.deep.equal({
      missing: ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok", "the CRD manifests"],
    });
  });

  it("without Go and without programs says what is missing and the two ways out", async () => {
    const error: unknown = await ensureTools({ env: { PATH: "", XDG_CACHE_HOME: dir } }).catch((e: unknown) => e);
    expect(error).to.be.instanceOf(ToolsMissingError);
    expect((error as ToolsMissingError).message)
      .to.match(/etcd, kube-apiserver, .*kwok, pulumi/)
      .and.match(/install Go \d+\.\d+\.\d+ or newer/)
      .and.match(/KUBEBUILDER_ASSETS, or PATH/);
  });

  it("names the cache by the pins, below XDG_CACHE_HOME", async () => {
    expect(await cacheFolder({ XDG_CACHE_HOME: "/somewhere" })).to.match(/^\/somewhere\/gke-persistent-ip\/tools\/[0-9a-f]{16}$/);
  });

  it("stamps the versions that go.mod pins", async () => {
    const gomod = await readFile(join(__dirname, "go.mod"), "utf8");
    const flags = await linkerFlags(__dirname);
    expect(flags).to.contain(`version.gitVersion=${requiredVersion(gomod, "k8s.io/kubernetes")}`);
    expect(flags).to.contain(`version.Version=${requiredVersion(gomod, "github.com/pulumi/pulumi/pkg/v3")}`);
    const python = await linkerFlags(__dirname, "python");
    expect(python, "the host's own version").to.match(/common\/version\.Version=v3\.79\.\d/);
    expect(() => requiredVersion(gomod, "example.test/none")).to.throw("module example.test/none is not required there");
  });

  it("pins the kubelet, in a module of its own, to the version of the control plane; its cache goes by the pins of the others", async () => {
    const version = async (file: string): Promise<string> =>
      requiredVersion(await readFile(join(__dirname, file), "utf8"), "k8s.io/kubernetes");
    expect(await version("kubelet/go.mod")).to.equal(await version("go.mod"));
  });

  it("counts compiled packages and nothing else of the build's output", () => {
    expect(isPackageLine("k8s.io/kubernetes/cmd/kube-apiserver")).to.equal(true);
    expect(isPackageLine("internal/goarch")).to.equal(true);
    expect(isPackageLine("go: downloading k8s.io/api v0.34.4")).to.equal(false);
    expect(isPackageLine("# k8s.io/kubernetes")).to.equal(false);
  });

  it("tells progress in one line", () => {
    const line = progressText({ step: "building tools", done: 312, total: 1450, unit: "packages", elapsedMs: 190_000 });
    expect(line).to.equal("building tools 312/1450 packages, 3m10s");
    expect([850, 42_000].map(durationText)).to.deep.equal(["850ms", "42s"]);
  });

  it("lets one builder work at a time, and takes over from one that died", async () => {
    const lock = join(dir, "cache", ".lock");
    const order: string[] = [];
    let waited = 0;
    const first = withLock(lock, async () => {
      order.push("first in");
      await sleep(30);
      order.push("first out");
    });
    await sleep(5);
    await withLock(lock, () => Promise.resolve(order.push("second")), { pollMs: 5, onWait: () => waited++ });
    await first;
    expect(order).to.deep.equal(["first in", "first out", "second"]);
    expect(waited).to.be.greaterThan(0);
    await writeFile(lock, "999999999"); // no process has this number
    expect(await withLock(lock, () => Promise.resolve("taken over"), { pollMs: 5 })).to.equal("taken over");
  });
});
