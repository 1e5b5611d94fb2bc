// SPDX-License-Identifier: Apache-2.0
// The part of Pulumi's package schema that a package of components uses (https://www.pulumi.com/docs/iac/extending-pulumi/schema/).

export interface TypeSpec {
  type?: string;
  $ref?: string;
  plain?: boolean;
  items?: TypeSpec;
  additionalProperties?: TypeSpec;
}
export interface PropertySpec extends TypeSpec {
  description?: string;
  /** Of the analyzer's own; the schema says it by `required`. */
  optional?: boolean;
}
export interface EnumValue {
  name?: string;
  value: string | number;
  description?: string;
}
export interface ComplexType {
  description?: string;
  type: string;
  properties?: Record<string, PropertySpec>;
  required?: string[];
  enum?: EnumValue[];
}
export interface ResourceSpec {
  description?: string;
  isComponent?: boolean;
  type?: string;
  inputProperties: Record<string, PropertySpec>;
  requiredInputs: string[];
  properties: Record<string, PropertySpec>;
  required: string[];
}
export interface PackageSchema {
  name: string;
  displayName?: string;
  version: string;
  description?: string;
  keywords?: string[];
  license?: string;
  language: Record<string, Record<string, unknown>>;
  types: Record<string, ComplexType>;
  resources: Record<string, ResourceSpec>;
}
