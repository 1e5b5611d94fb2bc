// SPDX-License-Identifier: Apache-2.0
// The real agent program on a lab node, with its wish in a file.
import * as fs from "node:fs";
import * as path from "node:path";
import type { AddressStatus, Intent, NodeCondition, PassReport, PodIntent } from "../../controller/node";
import type { Programs } from "./bundle";
import { netns, start, until, type Running } from "./shell";

export type Status = PassReport & { pass: number; ipProcesses: number };
export const BLUE = { name: "blue", nic: "nic1", gateway: "10.1.0.1", index: 1 };

export class LabAgent {
  private running: Running | undefined;
  readonly desired: string;
  readonly statusFile: string;

  constructor(
    private readonly program: Programs,
    readonly node: string,
    private readonly flags: readonly string[] = [],
  ) {
    const name = `${netns(node)}-${LabAgent.count++}`;
    this.desired = path.join(program.folder, `${name}.json`);
    this.statusFile = path.join(program.folder, `${name}.status`);
  }
  private static count = 0;

  get pid(): number {
    return this.running!.child.pid!;
  }
  get log(): string {
    return this.running?.text() ?? "";
  }
  command(...more: string[]): string[] {
    return [process.execPath, this.program.file, "agent", "--status", this.statusFile, ...this.flags, ...more];
  }
  /** Starts it and waits for its first pass. */
  async start(intent?: Intent): Promise<Status> {
    if (intent) this.write(intent);
    fs.rmSync(this.statusFile, { force: true });
    this.running = start(this.node, this.command("--desired", this.desired));
    await until("first pass", () => this.status() !== undefined || this.running?.child.exitCode !== null, 8_000);
    const status = this.status();
    if (!status) throw new Error(`agent ended: ${this.log}`);
    return status;
  }
  write(intent: Intent): void {
    fs.writeFileSync(`${this.desired}.tmp`, JSON.stringify(intent));
    fs.renameSync(`${this.desired}.tmp`, this.desired);
  }
  /** Another wish; resolves when it is obeyed. */
  async want(intent: Intent, done: (s: Status) => boolean = allProgrammed): Promise<Status> {
    const before = this.status()?.pass ?? 0;
    this.write(intent);
    await until(`wish obeyed: ${JSON.stringify(intent.addresses)}; ${this.log.slice(-400)}`, () => {
      const s = this.status();
      return s !== undefined && s.pass > before && covers(s, intent) && done(s);
    });
    return this.status()!;
  }
  async waitFor(what: string, is: (s: Status) => boolean, ms = 5_000): Promise<Status> {
    await until(what, () => this.status() !== undefined && is(this.status()!), ms);
    return this.status()!;
  }
  status(): Status | undefined {
    try {
      return JSON.parse(fs.readFileSync(this.statusFile, "utf8")) as Status;
    } catch {
      return undefined;
    }
  }
  condition(type: NodeCondition["type"], address?: string): NodeCondition | undefined {
    return this.of(address)?.conditions.find((c) => c.type === type);
  }
  of(address?: string): AddressStatus | undefined {
    return this.status()?.statuses.find((s) => address === undefined || s.address === address);
  }
  kill(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    return this.running!.kill(signal);
  }
}
const covers = (s: Status, intent: Intent): boolean =>
  s.statuses.length === intent.addresses.filter((a) => a.pod).length &&
  intent.addresses
    .filter((a) => a.pod)
    .every((a) =>
      s.statuses.some((t) => t.address === a.address && t.generation === a.generation && t.pod?.name === a.pod?.name),
    );
export const allProgrammed = (s: Status): boolean => s.statuses.every((t) => t.programmed) && s.failures.length === 0;

/** A Pod of the lab by its name, node number and last octet. */
export const pod = (name: string, node: number, octet: number, over: Partial<PodIntent> = {}): PodIntent => ({
  name,
  uid: `uid-${name}`,
  ip: `10.201.${node}.${octet}`,
  ...over,
});
/** The wish for one address: this Pod's, or nobody's here. */
export const wish = (generation: number, owner?: PodIntent, address = "34.123.10.1"): Intent => ({
  networks: [BLUE],
  addresses: [{ address, network: "blue", generation, ...(owner ? { pod: owner } : {}) }],
});
