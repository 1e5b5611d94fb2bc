// SPDX-License-Identifier: Apache-2.0
// The door of this room: the kernel of one node.
export { NodeAgent, type AgentOptions, type PassReport } from "./agent";
export { cleanup } from "./cleanup";
export { IpCoprocess, type Failure, type IpBatch } from "./coprocess";
export { NodeError, type NodeErrorCode } from "./errors";
export { watchFile, writeWhole } from "./filesource";
export type { Mode } from "./firewall";
export {
  isInterfaceName,
  isMac,
  parseIntent,
  type AddressIntent,
  type Intent,
  type NetworkIntent,
  type PodIntent,
} from "./intent";
export { plan } from "./plan";
export { runCommand, type Run } from "./run";
export { NUMBERS, type Desired, type Kernel, type Numbers, type Plan } from "./types";
export { type AddressStatus, type NodeCondition } from "./verdict";
