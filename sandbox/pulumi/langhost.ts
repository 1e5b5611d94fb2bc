// SPDX-License-Identifier: Apache-2.0
// A small nodejs language host, so that a plain `pulumi preview` works with the CLI binary alone. The CLI starts it as a plugin of
// its home (langplugin.ts) or from PATH (bin/), or reaches it by PULUMI_DEBUG_LANGUAGES=nodejs:PORT, served in this process.
// The program runs under the SDK's own `cmd/run`, never under a loader that leaves inline source maps: with one, every resource's
// source position in the state is the whole source text, literal secrets included (measured: 584 KB instead of 54 KB of state).
import { spawn, type ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import * as path from "node:path";
import * as grpc from "@grpc/grpc-js";
import * as languagePb from "@pulumi/pulumi/proto/language_pb";
import * as pluginPb from "@pulumi/pulumi/proto/plugin_pb";
import { programEnv } from "./programenv";

const { LanguageRuntimeService } = require("@pulumi/pulumi/proto/language_grpc_pb") as {
  LanguageRuntimeService: grpc.ServiceDefinition;
};

/** `cmd/run` ends with this code when the program has logged its own error already (pulumi sdk `cmd/run/run`). */
const EXIT_LOGGED = 32;
/** Version of this host; the CLI looks a plugin up by it. */
export const LANGUAGE_HOST_VERSION = "1.0.0";

export interface LanguageHost {
  port: number;
  stop(): void;
}

type Unary<Q, R> = (call: { request: Q }, reply: (error: Error | null, answer?: R) => void) => void;
type Stream<Q, R> = (call: grpc.ServerWritableStream<Q, R>) => void;

/**
 * Serves `pulumirpc.LanguageRuntime` on a free port of 127.0.0.1.
 * @param engineAddress known when the CLI starts the host itself; an attached host learns it by Handshake
 * @param program what to run in the program's folder instead of its entry point: an interpreter of another language
 * @throws Error when no port can be bound
 */
export async function startLanguageHost(
  engineAddress = "",
  say: (text: string) => void = toStderr,
  program?: string,
): Promise<LanguageHost> {
  const host = new Host(engineAddress, say, program);
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  server.addService(LanguageRuntimeService, host.methods() as unknown as grpc.UntypedServiceImplementation);
  const port = await listen(server);
  return {
    port,
    stop() {
      host.killAll();
      server.forceShutdown();
    },
  };
}

/** Binds a gRPC server to a free port of 127.0.0.1. */
export function listen(server: grpc.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

const toStderr = (text: string): void => void process.stderr.write(text);

class Host {
  private readonly children = new Set<ChildProcess>();

  constructor(
    private engine: string,
    private readonly say: (text: string) => void,
    private readonly program: string | undefined,
  ) {}

  methods(): Record<string, Unary<never, unknown> | Stream<never, never>> {
    const handshake: Unary<languagePb.LanguageHandshakeRequest, languagePb.LanguageHandshakeResponse> = (call, reply) => {
      this.engine = call.request.getEngineAddress();
      reply(null, new languagePb.LanguageHandshakeResponse());
    };
    const run: Unary<languagePb.RunRequest, languagePb.RunResponse> = (call, reply) => {
      this.run(call.request).then((answer) => reply(null, answer), reply);
    };
    const runPlugin: Stream<languagePb.RunPluginRequest, languagePb.RunPluginResponse> = (call) => this.runPlugin(call);
    const install: Stream<languagePb.InstallDependenciesRequest, languagePb.InstallDependenciesResponse> = (call) => call.end();
    const getPluginInfo: Unary<unknown, pluginPb.PluginInfo> = (_call, reply) =>
      reply(null, new pluginPb.PluginInfo().setVersion(LANGUAGE_HOST_VERSION));
    const about: Unary<unknown, languagePb.AboutResponse> = (_call, reply) =>
      reply(null, new languagePb.AboutResponse().setExecutable(process.execPath).setVersion(process.version));
    return {
      handshake,
      getPluginInfo,
      run,
      runPlugin,
      installDependencies: install,
      about,
      getRequiredPackages: answer(() => new languagePb.GetRequiredPackagesResponse()),
      getRequiredPlugins: answer(() => new languagePb.GetRequiredPluginsResponse()),
      getProgramDependencies: answer(() => new languagePb.GetProgramDependenciesResponse()),
      runtimeOptionsPrompts: answer(() => new languagePb.RuntimeOptionsResponse()),
    };
  }

  killAll(): void {
    for (const child of this.children) child.kill();
  }

  private async run(request: languagePb.RunRequest): Promise<languagePb.RunResponse> {
    const child = this.spawn(runArguments(request, this.engine, this.program), request.getPwd(), {
      ...programEnv(process.env),
      PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().toArray())),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
      PULUMI_NODEJS_TYPESCRIPT: optionsOf(request.getInfo()).typescript === false ? "false" : "true",
    });
    child.stdout?.on("data", (d: Buffer) => this.say(d.toString())); // our own stdout holds the port line
    child.stderr?.on("data", (d: Buffer) => this.say(d.toString()));
    const code = await exitCode(child);
    const answer = new languagePb.RunResponse();
    if (code === EXIT_LOGGED) return answer.setBail(true);
    return code === 0 ? answer : answer.setError(`program exited with code ${code}`);
  }

  private runPlugin(call: grpc.ServerWritableStream<languagePb.RunPluginRequest, languagePb.RunPluginResponse>): void {
    const request = call.request;
    const plan = pluginCommand(request, this.engine);
    const child = this.spawn(plan.args, plan.cwd, {
      ...programEnv(process.env),
      ...Object.fromEntries(request.getEnvList().map(splitVariable)),
      PULUMI_NODEJS_TYPESCRIPT: "true",
    });
    child.stdout?.on("data", (d: Buffer) => call.write(new languagePb.RunPluginResponse().setStdout(d)));
    child.stderr?.on("data", (d: Buffer) => call.write(new languagePb.RunPluginResponse().setStderr(d)));
    call.on("cancelled", () => child.kill());
    void exitCode(child).then((code) => {
      call.write(new languagePb.RunPluginResponse().setExitcode(code));
      call.end();
    });
  }

  private spawn(args: string[], cwd: string, env: NodeJS.ProcessEnv): ChildProcess {
    const child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    this.children.add(child);
    child.once("close", () => this.children.delete(child));
    return child;
  }
}

function answer<R>(make: () => R): Unary<never, R> {
  return (_call, reply) => reply(null, make());
}

function exitCode(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once("error", () => resolve(1));
    child.once("close", (code) => resolve(code ?? 1));
  });
}

function optionsOf(info: languagePb.ProgramInfo | undefined): Record<string, unknown> {
  return info?.getOptions()?.toJavaScript() ?? {};
}

/** The SDK that the program itself would load. @throws Error that names the folder when it has none */
function sdkFile(folder: string, file: string): string {
  try {
    return createRequire(path.join(folder, "index.js")).resolve(`@pulumi/pulumi/${file}`);
  } catch (cause) {
    throw new Error(`"${folder}": @pulumi/pulumi is not installed there; run "npm install" in that folder`, { cause });
  }
}

const entryOf = (request: languagePb.RunRequest): string => request.getInfo()?.getEntryPoint() || request.getProgram() || ".";

/** Arguments of `node` that run a program under the SDK's `cmd/run`. */
function runArguments(request: languagePb.RunRequest, engine: string, program: string | undefined): string[] {
  const info = request.getInfo();
  const folder = info?.getProgramDirectory() || request.getPwd();
  const { nodeargs } = optionsOf(info);
  return [
    ...(typeof nodeargs === "string" ? nodeargs.split(/\s+/).filter(Boolean) : []),
    sdkFile(folder, "cmd/run/index.js"),
    ...["--monitor", request.getMonitorAddress(), "--engine", engine],
    ...["--organization", request.getOrganization(), "--project", request.getProject(), "--stack", request.getStack()],
    ...["--root-directory", info?.getRootDirectory() ?? folder, "--pwd", request.getPwd()],
    ...["--parallel", String(request.getParallel())],
    ...(request.getDryrun() ? ["--dry-run"] : []),
    program ?? entryOf(request),
    ...request.getArgsList(),
  ];
}

function pluginCommand(request: languagePb.RunPluginRequest, engine: string): { args: string[]; cwd: string } {
  const info = request.getInfo();
  const folder = info?.getProgramDirectory() || request.getProgram() || request.getPwd();
  const entry = info?.getEntryPoint();
  const target = entry && entry !== "." ? path.resolve(folder, entry) : folder;
  if (request.getKind() === "analyzer") {
    const address = request.getArgsList()[0] ?? engine;
    return { args: [sdkFile(folder, "cmd/run-policy-pack/index.js"), address, target], cwd: folder };
  }
  return { args: [sdkFile(folder, "cmd/run-plugin/index.js"), target, ...request.getArgsList()], cwd: request.getPwd() };
}

function splitVariable(entry: string): [string, string] {
  const at = entry.indexOf("=");
  return at < 0 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
}
