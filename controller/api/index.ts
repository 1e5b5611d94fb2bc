// SPDX-License-Identifier: Apache-2.0
// The contract between components, controller, agent and CLI. No I/O in this room.
export * from "./annotations";
export * from "./binding";
export * from "./conditions";
export * from "./crds";
export * from "./findings";
export * from "./gkeiproute";
export * from "./ipv4";
export * from "./kinds";
export * from "./names";
export * from "./reasons";
export * from "./rules-gateway";
export * from "./rules-plan";
export * from "./rules-pod";
export * from "./rules-route";
export * from "./schema-type";
export * from "./schema-validate";
export * from "./selector";
export * from "./shapes";
export * from "./stability";
