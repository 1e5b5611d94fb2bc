// SPDX-License-Identifier: Apache-2.0
// Joins two worlds that share no network: what connects to one end of a way comes out of the other, and what asks `connect` by HTTP CONNECT is
// connected to an address on this side. Ends are TCP addresses or socket files, and socket files know no namespaces. A process of its own, so
// that a busy sandbox never makes kubelets wait.
import { createConnection, createServer, type ListenOptions, type NetConnectOpts, type Socket } from "node:net";

type End = { path: string } | { host: string; port: number };
interface Plan {
  ways: { from: End; to: End }[];
  /** Socket file that takes CONNECT. */
  connect?: string;
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

function serve({ from, to }: Plan["ways"][number]): Promise<void> {
  const other: NetConnectOpts = { ...to, allowHalfOpen: true };
  const listen: ListenOptions = from;
  return new Promise((done, fail) =>
    createServer({ allowHalfOpen: true }, (socket) => join(socket, createConnection(other)))
      .once("error", fail)
      .listen(listen, done),
  );
}

function serveConnect(path: string): Promise<void> {
  return new Promise((done, fail) => createServer(tunnel).once("error", fail).listen(path, done));
}

function tunnel(from: Socket): void {
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
}

Promise.all([...plan.ways.map(serve), ...(plan.connect ? [serveConnect(plan.connect)] : [])]).then(
  () => process.stdout.write("ready\n"),
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  },
);
