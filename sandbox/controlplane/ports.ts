// SPDX-License-Identifier: Apache-2.0
// Free TCP ports of 127.0.0.1. Between our look and the program's bind another program may take one: whoever starts a program
// retries on "address already in use".
import { createServer, type AddressInfo, type Server } from "node:net";

/** `count` ports that are free right now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listen)); // held together, so that no port comes twice
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

function listen(): Promise<Server> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once("error", fail).listen(0, "127.0.0.1", () => done(server));
  });
}
