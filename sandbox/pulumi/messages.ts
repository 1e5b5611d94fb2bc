// SPDX-License-Identifier: Apache-2.0
// Handler results as protocol messages, and errors as gRPC statuses.
import * as grpc from "@grpc/grpc-js";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import * as statusPb from "@pulumi/pulumi/proto/status_pb";
import type { ChangeKind, DiffResult } from "./diff";
import { InitFailed, ProviderError, type Checked } from "./provider";
import { Any, toStruct } from "./protocol";
import { steps } from "./value";

/** @returns inputs and failures of a Check */
export function checkResponse(checked: Checked): pb.CheckResponse {
  const response = new pb.CheckResponse().setInputs(toStruct(checked.inputs));
  for (const failure of checked.failures ?? []) {
    response.addFailures(new pb.CheckFailure().setProperty(failure.property).setReason(failure.reason));
  }
  return response;
}

/** @returns the answer of Diff or DiffConfig with one detailed entry per changed leaf */
export function diffResponse(diff: DiffResult): pb.DiffResponse {
  const { DIFF_SOME, DIFF_NONE } = pb.DiffResponse.DiffChanges;
  const response = new pb.DiffResponse().setHasdetaileddiff(true).setChanges(diff.changes.length > 0 ? DIFF_SOME : DIFF_NONE);
  const replaced = new Set(diff.replaces);
  for (const change of diff.changes) {
    const entry = new pb.PropertyDiff().setKind(kindOf(change.kind, replaced.has(change.path))).setInputdiff(true);
    response.getDetaileddiffMap().set(change.path, entry);
  }
  response.setDiffsList([...new Set(diff.changes.map((c) => steps(c.path)[0] ?? c.path))]);
  response.setReplacesList(diff.replaces);
  return response.setDeletebeforereplace(diff.deleteBeforeReplace);
}

function kindOf(kind: ChangeKind, replace: boolean): pb.PropertyDiff.Kind {
  const { Kind } = pb.PropertyDiff;
  switch (kind) {
    case "add":
      return replace ? Kind.ADD_REPLACE : Kind.ADD;
    case "delete":
      return replace ? Kind.DELETE_REPLACE : Kind.DELETE;
    case "update":
      return replace ? Kind.UPDATE_REPLACE : Kind.UPDATE;
  }
}

/** The gRPC error of whatever a handler threw. A partial failure carries the resource, so that the engine keeps it in the state. */
export function grpcError(error: unknown): Partial<grpc.StatusObject> {
  const details = error instanceof Error ? error.message : String(error);
  if (error instanceof InitFailed) return { code: grpc.status.UNKNOWN, details, metadata: partial(error, details) };
  if (error instanceof ProviderError && error.code === "NotSupported") return { code: grpc.status.UNIMPLEMENTED, details };
  return { code: grpc.status.UNKNOWN, details };
}

function partial(error: InitFailed, message: string): grpc.Metadata {
  const detail = new pb.ErrorResourceInitFailed()
    .setId(error.id)
    .setProperties(toStruct(error.outs))
    .setInputs(toStruct(error.inputs))
    .setReasonsList(error.reasons);
  const any = new Any();
  any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new statusPb.Status();
  status.setCode(grpc.status.UNKNOWN);
  status.setMessage(message);
  status.setDetailsList([any]);
  const metadata = new grpc.Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return metadata;
}
