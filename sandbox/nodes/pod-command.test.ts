// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { expandVariables, hostCommand, hostEnvironment, type CommandContext } from "./pod-command";
import type { Container } from "./pod-types";

const context = (more: Partial<CommandContext> = {}): CommandContext => ({
  mounts: new Map(),
  ports: new Map(),
  env: {},
  nodePath: "/real/node",
  ...more,
});
const container = (more: Partial<Container>): Container => ({ name: "main", image: "node:22-slim", ...more });

describe("a container's command on this machine", () => {
  it("runs the node that runs us, whatever the path in the image", () => {
    expect(hostCommand(container({ command: ["/usr/local/bin/node", "x.js"] }), context()).command).to.equal("/real/node");
    expect(hostCommand(container({ command: ["/bin/sh", "-c", "true"] }), context()).command).to.equal("/bin/sh");
  });

  it("starts what an image starts by itself where that is known, and says that it is not known otherwise", () => {
    const entrypoints = new Map([["own:1", ["node", "/app/hello.js"]]]);
    expect(hostCommand(container({ image: "own:1", args: ["-v"] }), context({ entrypoints }))).to.deep.equal({
      command: "/real/node",
      args: ["/app/hello.js", "-v"],
    });
    expect(() => hostCommand(container({ image: "other:1" }), context({ entrypoints }))).to.throw("command is not set");
  });

  it("replaces mount paths as whole path parts only, the longest first", () => {
    const mounts = new Map([
      ["/bundle", "/tmp/b"],
      ["/bundle/keys", "/tmp/k"],
    ]);
    const { args } = hostCommand(
      container({ command: ["node", "/bundle/main.js", "--key=/bundle/keys/a", "/bundles/x", "/opt/bundle/y", "/bundle"] }),
      context({ mounts }),
    );
    expect(args).to.deep.equal(["/tmp/b/main.js", "--key=/tmp/k/a", "/bundles/x", "/opt/bundle/y", "/tmp/b"]);
  });

  it("replaces declared ports in addresses, flags and values, and no other number", () => {
    const ports = new Map([[8081, 40001]]);
    const spec = container({
      command: [
        "node",
        "--listen=:8081",
        "--health-port=8081",
        "--url=http://127.0.0.1:8081/x",
        "8081",
        "--n=18081",
        "--t=80810",
        "at:80812",
      ],
      ports: [{ name: "health-check", containerPort: 8081 }],
    });
    expect(hostCommand(spec, context({ ports })).args).to.deep.equal([
      "--listen=:40001",
      "--health-port=40001",
      "--url=http://127.0.0.1:40001/x",
      "40001",
      "--n=18081",
      "--t=80810",
      "at:80812",
    ]);
    expect(hostEnvironment(spec, context({ ports, env: { HEALTH: "8081" } }))).to.deep.equal({
      HEALTH: "40001",
      PORT_HEALTH_CHECK: "40001",
    });
  });

  it("expands $(VAR) as the kubelet does: unknown names stay, $$ escapes", () => {
    expect(expandVariables("$(A)-$(B)-$$(A)", { A: "1" })).to.equal("1-$(B)-$(A)");
  });

  it("knows the entry point of node images and of no other", () => {
    expect(hostCommand(container({ args: ["main.js"] }), context())).to.deep.equal({ command: "/real/node", args: ["main.js"] });
    expect(() => hostCommand(container({ image: "nginx", args: ["-g"] }), context())).to.throw(
      "container main: command is not set; the sandbox runs processes, not images, and cannot know the entry point of nginx",
    );
  });
});
