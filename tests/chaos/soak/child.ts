// SPDX-License-Identifier: Apache-2.0
// Starts the process under test and asks it things.
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Answer, Config, Dump, Heap, Question, Stopped } from "./protocol";

const PATIENCE_MS = 60_000;

export class Child {
  private readonly process: ChildProcess;
  private readonly waiting = new Map<number, (answer: Answer["answer"]) => void>();
  private serial = 0;
  private output = "";

  constructor(config: Config) {
    this.process = fork(join(__dirname, "subject.ts"), [], {
      execArgv: ["--expose-gc", "--require", require.resolve("ts-node/register/transpile-only")],
      env: { ...process.env, SOAK_CONFIG: JSON.stringify(config) },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const keep = (data: Buffer): void => void (this.output = (this.output + data.toString()).slice(-20_000));
    this.process.stdout?.on("data", keep);
    this.process.stderr?.on("data", keep);
    this.process.on("message", ({ id, answer }: Answer) => {
      this.waiting.get(id)?.(answer);
      this.waiting.delete(id);
    });
  }

  dump = (): Promise<Dump> => this.ask("dump") as Promise<Dump>;
  heap = (): Promise<Heap> => this.ask("heap") as Promise<Heap>;
  stop = (): Promise<Stopped> => this.ask("stop") as Promise<Stopped>;

  /** Ends it for good. */
  async end(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill("SIGKILL");
    await once(this.process, "exit");
  }

  /** @throws Error with what it printed, when it is gone or does not answer */
  private ask(ask: Question["ask"]): Promise<Answer["answer"]> {
    const id = ++this.serial;
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`process under test: ${why} at "${ask}"\n${this.output}`));
      const timer = setTimeout(() => fail(`no answer within ${PATIENCE_MS / 1000} s`), PATIENCE_MS);
      const gone = (): void => fail(`ended (${this.process.exitCode ?? this.process.signalCode})`);
      this.process.once("exit", gone);
      this.waiting.set(id, (answer) => {
        clearTimeout(timer);
        this.process.off("exit", gone);
        resolve(answer);
      });
      if (this.process.connected) this.process.send({ id, ask } satisfies Question);
      else gone();
    });
  }
}
