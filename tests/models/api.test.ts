// SPDX-License-Identifier: Apache-2.0
// The suite that holds the simulator's API server to the real one, run against the real one.
import { apiBehaviour, type ApiUnderTest } from "../simulator/behaviour-api";
import { installWidgets, newNamespace } from "../apiserver/world";
import { sharedApiServer } from "../support/apiserver";

describe("kube-apiserver, as the simulator takes it to be", function () {
  this.timeout(30_000);
  let server: ApiUnderTest;
  before(async function () {
    const client = (await sharedApiServer(this)).client();
    await installWidgets(client);
    server = { client, namespace: await newNamespace(client) };
  });
  apiBehaviour(() => server);
});
