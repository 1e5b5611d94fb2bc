// SPDX-License-Identifier: Apache-2.0
// The decision core: pure functions over a frozen view. No I/O, no clock, no randomness.
export * from "./accept";
export * from "./address-fact";
export * from "./cause";
export * from "./conditions";
export * from "./gateway";
export * from "./gateway-status";
export * from "./handover";
export * from "./hold";
export * from "./listeners";
export * from "./parents";
export * from "./refusal";
export * from "./route-network";
export * from "./second-writer";
export * from "./select";
export * from "./stability";
export * from "./standby";
export * from "./world";
export * from "./node-duty";
