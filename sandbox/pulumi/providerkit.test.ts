// SPDX-License-Identifier: Apache-2.0
// The gRPC side: state per connection, partial failures, and errors in the provider's own words.
import * as grpc from "@grpc/grpc-js";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import * as statusPb from "@pulumi/pulumi/proto/status_pb";
import { expect } from "chai";
import { NO_DIFF } from "./diff";
import { InitFailed, type Provider, type ProviderCall, type Session } from "./provider";
import { serveProvider, type ServedProvider } from "./providerkit";
import { Empty, fromStruct, toStruct } from "./protocol";
import { secret } from "./value";

type Client = grpc.Client & Record<string, (q: unknown, cb: (e: grpc.ServiceError | null, r: unknown) => void) => void>;
const { ResourceProviderClient } = require("@pulumi/pulumi/proto/provider_grpc_pb") as {
  ResourceProviderClient: new (address: string, c: grpc.ChannelCredentials, o: object) => Client;
};

const URN = "urn:pulumi:dev::p::my:index:Comp$gcp:compute/address:Address::na::me";
const echo: Provider = {
  name: "echo",
  version: "1.2.3",
  diffConfig: () => NO_DIFF,
  configure: (config) =>
    ({
      create: (q) => {
        if (q.inputs.fail === true) throw new InitFailed("the-id", { half: 1 }, { fail: true }, ["not ready"]);
        return Promise.resolve({
          id: "x",
          outs: { calledOff: q.signal.aborted, config, inputs: q.inputs, type: q.type, name: q.name },
        });
      },
    }) as Partial<Session> as Session,
};

describe("provider kit", () => {
  let served: ServedProvider;
  const calls: ProviderCall[] = [];
  const clients: Client[] = [];
  before(async () => {
    served = await serveProvider(echo, calls);
  });
  after(async () => {
    for (const c of clients) c.close();
    await served.stop();
  });

  // Without a pool of its own, two clients of one process share a connection; two engine processes never do.
  function connect(): Client {
    const options = { "grpc.use_local_subchannel_pool": 1 };
    const client = new ResourceProviderClient(`127.0.0.1:${served.port}`, grpc.credentials.createInsecure(), options);
    clients.push(client);
    return client;
  }
  function call<R>(client: Client, rpc: string, q: unknown): Promise<R> {
    return new Promise((resolve, reject) => client[rpc]?.(q, (e, r) => (e === null ? resolve(r as R) : reject(e))));
  }
  const create = async (client: Client, inputs = {}): Promise<ReturnType<typeof fromStruct>> => {
    const q = new pb.CreateRequest().setUrn(URN).setProperties(toStruct(inputs));
    return fromStruct((await call<pb.CreateResponse>(client, "create", q)).getProperties());
  };

  it("keeps one configuration per connection", async () => {
    const [a, b] = [connect(), connect()];
    await call(a, "configure", new pb.ConfigureRequest().setArgs(toStruct({ who: "a" })));
    await call(b, "configure", new pb.ConfigureRequest().setArgs(toStruct({ who: "b" })));
    expect((await create(a)).config).to.deep.equal({ who: "a" });
    expect((await create(b)).config).to.deep.equal({ who: "b" });
    expect(new Set(calls.map((c) => c.peer)).size).to.equal(2);
  });

  it("calls off what runs when an engine cancels, and not what a later one asks that comes by the same port", async () => {
    const client = connect();
    const configure = (): Promise<unknown> => call(client, "configure", new pb.ConfigureRequest().setArgs(toStruct({})));
    await configure();
    expect((await create(client)).calledOff).to.equal(false);
    await call(client, "cancel", new Empty());
    expect((await create(client)).calledOff).to.equal(true);
    await configure();
    expect((await create(client)).calledOff).to.equal(false);
  });

  it("refuses a resource call on a connection that was never configured", async () => {
    const error = await create(connect()).then(
      () => undefined,
      (e: grpc.ServiceError) => e,
    );
    expect(error?.details).to.equal("echo: Create came on a connection that was never configured");
  });

  it("hands over type, name and plain values, whatever the engine wrapped them in", async () => {
    const client = connect();
    await call(client, "configure", new pb.ConfigureRequest());
    const outs = await create(client, { a: secret("pw") });
    expect(outs).to.deep.include({ type: "gcp:compute/address:Address", name: "na::me", inputs: { a: "pw" } });
  });

  it("sends what exists of a half made resource along with the error", async () => {
    const client = connect();
    await call(client, "configure", new pb.ConfigureRequest());
    const error = await create(client, { fail: true }).then(
      () => undefined,
      (e: grpc.ServiceError) => e,
    );
    const [bytes] = error?.metadata.get("grpc-status-details-bin") ?? [];
    const [any] = statusPb.Status.deserializeBinary(Buffer.from(bytes as Buffer)).getDetailsList();
    expect(any?.getTypeName()).to.equal("pulumirpc.ErrorResourceInitFailed");
    const detail = pb.ErrorResourceInitFailed.deserializeBinary(any?.getValue_asU8() ?? new Uint8Array());
    expect([detail.getId(), detail.getReasonsList(), fromStruct(detail.getProperties())]).to.deep.equal([
      "the-id",
      ["not ready"],
      { half: 1 },
    ]);
  });
});
