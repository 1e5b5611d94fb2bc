// SPDX-License-Identifier: Apache-2.0
// A finding: what is wrong, where, and how to put it right. One wording for preview, controller and CLI.

export type Severity = "error" | "warning";
export const FINDING_CODES = [
  "Required",
  "Type",
  "Enum",
  "Length",
  "Pattern",
  "Bounds",
  "UnknownField",
  "MissingParentRef",
  "ForeignParentKind",
  "InvalidAddress",
  "UnsupportedAddressType",
  "DuplicateAddress",
  "TooManyAddresses",
  "InvalidSelector",
  "EmptySelector",
  "DefaultNetwork",
  "ListenerSelectorMissing",
  "ListenerKindUnsupported",
  "UnknownClass",
  "AddressNotInGateway",
  "AddressClaimedTwice",
  "Immutable",
  "StabilityValue",
  "UnknownAnnotation",
  "PodCannotAnswer",
  "PodNotPrepared",
] as const;
export type FindingCode = (typeof FINDING_CODES)[number];
export interface Finding {
  code: FindingCode;
  /** Property path such as `spec.addresses[0].value`. */
  path: string;
  message: string;
  severity: Severity;
}
export const error = (code: FindingCode, path: string, message: string): Finding => ({ code, path, message, severity: "error" });
export const warning = (code: FindingCode, path: string, message: string): Finding => ({
  code,
  path,
  message,
  severity: "warning",
});
export const errorsOf = (findings: readonly Finding[]): Finding[] => findings.filter((f) => f.severity === "error");
/** One line a finding, as a person reads it. */
export const describeFinding = (f: Finding): string => `${f.path}: ${f.message} [${f.code}]`;
