// SPDX-License-Identifier: Apache-2.0
// Runs inside the fabric's service namespace and joins it to the sandbox, which lives outside: what connects to an address in here comes out of
// a socket file, and what asks the other socket file with HTTP CONNECT is connected to an address in here. Socket files know no namespaces.
import { createConnection, createServer, type Socket } from "node:net";

interface Way {
  address: string;
  port: number;
  socket: string;
}
interface Plan {
  inward: Way[];
  /** Socket file that takes CONNECT. */
  outward: string;
}

const plan = JSON.parse(process.argv[2] ?? "{}") as Plan;

function join(a: Socket, b: Socket): void {
  a.on("error", () => b.destroy()).on("close", () => b.destroy());
  b.on("error", () => a.destroy()).on("close", () => a.destroy());
  a.setNoDelay(true);
  b.setNoDelay(true);
  a.pipe(b);
  b.pipe(a);
}

for (const { address, port, socket } of plan.inward)
  createServer({ allowHalfOpen: true }, (from) => join(from, createConnection({ path: socket, allowHalfOpen: true }))).listen(
    port,
    address,
  );

createServer((from) => {
  let head = "";
  const read = (data: Buffer): void => {
    head += data.toString("latin1");
    if (!head.includes("\r\n\r\n")) return;
    from.off("data", read).pause();
    const [, host = "", port = ""] = /^CONNECT ([^ :]+):(\d+) /.exec(head) ?? [];
    const to = createConnection({ host, port: Number(port) });
    to.once("connect", () => {
      from.write("HTTP/1.1 200 OK\r\n\r\n");
      join(from, to);
    });
    to.once("error", () => from.destroy());
  };
  from.on("data", read).on("error", () => undefined);
}).listen(plan.outward, () => process.stdout.write("ready\n"));
