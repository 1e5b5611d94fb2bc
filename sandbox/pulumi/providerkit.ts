// SPDX-License-Identifier: Apache-2.0
// A gRPC ResourceProvider server made of a Provider object. Several provider resources (two k8s.Provider with different
// kubeconfigs) and several stacks attach to the same port; the engine opens one connection for each of them, so the configuration
// is kept per connection, keyed by the peer address of the call (shown with the real CLI in tests/engine/providers.test.ts).
import * as grpc from "@grpc/grpc-js";
import * as pluginPb from "@pulumi/pulumi/proto/plugin_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import { listen } from "./langhost";
import { checkResponse, diffResponse, grpcError } from "./messages";
import { ProviderError, type About, type Provider, type ProviderCall, type Session } from "./provider";
import { Empty, fromStruct, toStruct } from "./protocol";

const { ResourceProviderService } = require("@pulumi/pulumi/proto/provider_grpc_pb") as {
  ResourceProviderService: grpc.ServiceDefinition;
};

/** Connections whose configuration is remembered. An engine run opens one to three per provider resource. */
const REMEMBERED = 1000;
/** Calls kept for tests and reports; a sandbox that stays up for days must not grow. */
const CALLS_KEPT = 20_000;

export interface ServedProvider {
  port: number;
  stop(): Promise<void>;
}

interface Connection {
  session?: Session;
  abort: AbortController;
}

/** Serves a provider on a free port of 127.0.0.1. `calls` gets one entry per request. @throws Error when no port can be bound */
export async function serveProvider(provider: Provider, calls: ProviderCall[] = []): Promise<ServedProvider> {
  const kit = new Kit(provider, calls);
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  server.addService(ResourceProviderService, kit.methods());
  const port = await listen(server);
  return {
    port,
    async stop() {
      server.forceShutdown();
      await kit.close();
    },
  };
}

type Call<Q> = grpc.ServerUnaryCall<Q, unknown>;
type Method<Q> = (request: Q, connection: Connection) => unknown;

class Kit {
  private readonly connections = new Map<string, Connection>();

  constructor(
    private readonly provider: Provider,
    private readonly calls: ProviderCall[],
  ) {}

  async close(): Promise<void> {
    for (const c of this.connections.values()) {
      c.abort.abort();
      await c.session?.close?.();
    }
    this.connections.clear();
  }

  methods(): grpc.UntypedServiceImplementation {
    return { ...this.plumbing(), ...this.configuration(), ...this.resources() };
  }

  private plumbing(): grpc.UntypedServiceImplementation {
    return {
      handshake: this.on("Handshake", () => new pb.ProviderHandshakeResponse().setAcceptSecrets(false).setAcceptResources(false)),
      attach: this.on("Attach", () => new Empty()),
      getPluginInfo: this.on("GetPluginInfo", () => new pluginPb.PluginInfo().setVersion(this.provider.version)),
      getSchema: this.on("GetSchema", () =>
        new pb.GetSchemaResponse().setSchema(JSON.stringify({ name: this.provider.name, version: this.provider.version })),
      ),
      cancel: this.on("Cancel", (_q, connection) => {
        connection.abort.abort();
        return new Empty();
      }),
    };
  }

  // acceptSecrets is false throughout: the engine then unwraps secrets before each call and marks them again on what comes back,
  // so a provider here cannot write one in plain text to the state.
  private configuration(): grpc.UntypedServiceImplementation {
    const { provider } = this;
    return {
      checkConfig: this.on("CheckConfig", (q: pb.CheckRequest) => {
        const news = fromStruct(q.getNews());
        return checkResponse(provider.checkConfig?.(news) ?? { inputs: news });
      }),
      diffConfig: this.on("DiffConfig", (q: pb.DiffRequest) =>
        diffResponse(provider.diffConfig(fromStruct(q.getOldInputs()), fromStruct(q.getNews()))),
      ),
      configure: this.on("Configure", (q: pb.ConfigureRequest, connection) => {
        // A client that configures is a new one: it may have come by the port of another, which had cancelled.
        if (connection.abort.signal.aborted) connection.abort = new AbortController();
        connection.session = provider.configure(fromStruct(q.getArgs()));
        return new pb.ConfigureResponse().setAcceptsecrets(false).setAcceptresources(false).setSupportspreview(true);
      }),
    };
  }

  private resources(): grpc.UntypedServiceImplementation {
    return {
      check: this.with("Check", async (q: pb.CheckRequest, s, c) => {
        const olds = q.getOlds();
        const checked = await s.check({
          ...about(q, c),
          olds: olds === undefined ? undefined : fromStruct(olds),
          news: fromStruct(q.getNews()),
          proposedName: q.getAutonaming()?.getProposedName() || undefined,
        });
        return checkResponse(checked);
      }),
      diff: this.with("Diff", async (q: pb.DiffRequest, s, c) => {
        const common = { ...about(q, c), id: q.getId(), ignore: q.getIgnorechangesList() };
        const olds = fromStruct(q.getOlds());
        return diffResponse(
          await s.diff({ ...common, oldInputs: fromStruct(q.getOldInputs()), olds, news: fromStruct(q.getNews()) }),
        );
      }),
      create: this.with("Create", async (q: pb.CreateRequest, s, c) => {
        const made = await s.create({ ...about(q, c), inputs: fromStruct(q.getProperties()) });
        return new pb.CreateResponse().setId(made.id).setProperties(toStruct(made.outs));
      }),
      read: this.with("Read", async (q: pb.ReadRequest, s, c) => {
        const inputs = fromStruct(q.getInputs());
        const live = await s.read({ ...about(q, c), id: q.getId(), inputs, state: fromStruct(q.getProperties()) });
        if (live === undefined) return new pb.ReadResponse(); // an empty id says that it is gone
        return new pb.ReadResponse().setId(live.id).setProperties(toStruct(live.outs)).setInputs(toStruct(live.inputs));
      }),
      update: this.with("Update", async (q: pb.UpdateRequest, s, c) => {
        const common = { ...about(q, c), id: q.getId(), oldInputs: fromStruct(q.getOldInputs()) };
        const outs = await s.update({ ...common, olds: fromStruct(q.getOlds()), news: fromStruct(q.getNews()) });
        return new pb.UpdateResponse().setProperties(toStruct(outs));
      }),
      delete: this.with("Delete", async (q: pb.DeleteRequest, s, c) => {
        const state = fromStruct(q.getProperties());
        await s.delete({ ...about(q, c), id: q.getId(), state, oldInputs: fromStruct(q.getOldInputs()) });
        return new Empty();
      }),
      invoke: this.with("Invoke", async (q: pb.InvokeRequest, s) =>
        new pb.InvokeResponse().setReturn(toStruct(await s.invoke(q.getTok(), fromStruct(q.getArgs())))),
      ),
    };
  }

  private with<Q>(rpc: string, f: (q: Q, session: Session, connection: Connection) => Promise<unknown>) {
    return this.on(rpc, (q: Q, connection) => {
      if (connection.session !== undefined) return f(q, connection.session, connection);
      throw new ProviderError("NotConfigured", `${this.provider.name}: ${rpc} came on a connection that was never configured`);
    });
  }

  private on<Q>(rpc: string, f: Method<Q>): grpc.handleUnaryCall<Q, unknown> {
    return (call: Call<Q>, reply) => {
      const peer = call.getPeer();
      const q = call.request as Q & { getUrn?(): string; getPreview?(): boolean };
      this.calls.push({ provider: this.provider.name, rpc, peer, urn: q.getUrn?.() || undefined, preview: q.getPreview?.() });
      if (this.calls.length > CALLS_KEPT) this.calls.splice(0, CALLS_KEPT / 2);
      Promise.resolve()
        .then(() => f(call.request, this.connection(peer)))
        .then(
          (answer) => reply(null, answer),
          (error: unknown) => reply(grpcError(error)),
        );
    };
  }

  private connection(peer: string): Connection {
    const known = this.connections.get(peer) ?? { abort: new AbortController() };
    this.connections.delete(peer); // re-inserted as the newest, so that the first entry is the one unused for longest
    this.connections.set(peer, known);
    if (this.connections.size > REMEMBERED) this.forgetOldest();
    return known;
  }

  private forgetOldest(): void {
    const [peer, oldest] = this.connections.entries().next().value ?? [];
    if (peer === undefined) return;
    this.connections.delete(peer);
    void oldest?.session?.close?.();
  }
}

interface AboutRequest {
  getUrn(): string;
  getPreview?(): boolean;
  getTimeout?(): number;
}

function about(q: AboutRequest, connection: Connection): About {
  const urn = q.getUrn();
  const parts = urn.split("::");
  return {
    urn,
    type: (parts[2] ?? "").split("$").at(-1) ?? "",
    name: parts.slice(3).join("::"),
    preview: q.getPreview?.() ?? false,
    timeout: q.getTimeout?.() ?? 0,
    signal: connection.abort.signal,
  };
}
