// SPDX-License-Identifier: Apache-2.0
// The protocol's generated messages. They must share ONE google-protobuf with the SDK: a second copy (another major version in
// some folder above) does not recognise the SDK's Struct and every call fails with "Error deserializing request". So the runtime
// is looked up from the SDK's own folder and nowhere else.
import { createRequire } from "node:module";
import type * as anyPb from "google-protobuf/google/protobuf/any_pb";
import type * as emptyPb from "google-protobuf/google/protobuf/empty_pb";
import type * as structPb from "google-protobuf/google/protobuf/struct_pb";
import { decode, isRecord, type Props } from "./value";

const fromSdk = createRequire(require.resolve("@pulumi/pulumi/package.json"));

export const { Struct } = fromSdk("google-protobuf/google/protobuf/struct_pb.js") as typeof structPb;
export const { Empty } = fromSdk("google-protobuf/google/protobuf/empty_pb.js") as typeof emptyPb;
export const { Any } = fromSdk("google-protobuf/google/protobuf/any_pb.js") as typeof anyPb;

/** Properties of a message field; an absent field is an empty object. */
export function fromStruct(s: structPb.Struct | undefined): Props {
  if (s === undefined) return {};
  const plain = decode(s.toJavaScript());
  return isRecord(plain) ? plain : {};
}

/** A message field of properties. Undefined members are dropped. */
export function toStruct(props: Props | undefined): structPb.Struct {
  return Struct.fromJavaScript(JSON.parse(JSON.stringify(props ?? {})) as Parameters<typeof Struct.fromJavaScript>[0]);
}
