// SPDX-License-Identifier: Apache-2.0
// What a sandbox provider is made of: handlers over plain values. The gRPC side is in providerkit.ts.
import type { DiffResult } from "./diff";
import type { Props } from "./value";

export interface About {
  urn: string;
  /** `gcp:compute/address:Address` */
  type: string;
  /** Logical name, the last part of the URN. */
  name: string;
  /** True while planning: nothing may be written. */
  preview: boolean;
  /** The resource's custom timeout in seconds, 0 if none was given. */
  timeout: number;
  /** Aborted when the engine cancels. */
  signal: AbortSignal;
}

export interface Failure {
  property: string;
  reason: string;
}
export interface Checked {
  inputs: Props;
  failures?: Failure[];
}
export interface Live {
  id: string;
  outs: Props;
  inputs: Props;
}

export interface CheckInput extends About {
  olds?: Props;
  news: Props;
  /** Proposed name of the engine's own autonaming configuration, if there is one. */
  proposedName?: string;
}
export interface DiffInput extends About {
  id: string;
  oldInputs: Props;
  olds: Props;
  news: Props;
  ignore: string[];
}
export interface CreateInput extends About {
  inputs: Props;
}
export interface ReadInput extends About {
  id: string;
  inputs: Props;
  state: Props;
}
export interface UpdateInput extends About {
  id: string;
  oldInputs: Props;
  olds: Props;
  news: Props;
}
export interface DeleteInput extends About {
  id: string;
  state: Props;
  oldInputs: Props;
}

/** One configured provider resource: everything that is known of its connection. Made anew by `configure`. */
export interface Session {
  check(q: CheckInput): Promise<Checked>;
  diff(q: DiffInput): Promise<DiffResult>;
  create(q: CreateInput): Promise<{ id: string; outs: Props }>;
  /** Undefined means that the resource is gone. */
  read(q: ReadInput): Promise<Live | undefined>;
  update(q: UpdateInput): Promise<Props>;
  delete(q: DeleteInput): Promise<void>;
  invoke(token: string, args: Props): Promise<Props>;
  close?(): Promise<void>;
}

export interface Provider {
  name: string;
  /** Answered to the engine, which warns when it is older than the SDK that the program uses. */
  version: string;
  checkConfig?(news: Props): Checked;
  diffConfig(oldInputs: Props, news: Props): DiffResult;
  configure(config: Props): Session;
}

/** A resource exists but did not become ready: the engine keeps it in the state together with the reasons. */
export class InitFailed extends Error {
  readonly code = "InitFailed";
  readonly retry = false;
  constructor(
    readonly id: string,
    readonly outs: Props,
    readonly inputs: Props,
    readonly reasons: string[],
  ) {
    super(reasons.join("; "));
    this.name = "InitFailed";
  }
}

/** Anything else a provider refuses; `message` is what the user reads. */
export class ProviderError extends Error {
  readonly retry = false;
  constructor(
    readonly code: "NotConfigured" | "NotSupported" | "Refused" | "NotFound" | "Conflict" | "Unreachable" | "Timeout",
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = "ProviderError";
  }
}

/** One call that the engine made, in the order of arrival; tests and the sandbox's report read them. */
export interface ProviderCall {
  provider: string;
  rpc: string;
  /** Address of the engine's end of the connection: one per provider resource. */
  peer: string;
  urn?: string;
  preview?: boolean;
}
