// SPDX-License-Identifier: Apache-2.0
// Why a route is not accepted: Google's reason, and a sentence that names the object, the value and what would be right.
import type { AcceptReason } from "../api";

export interface Refusal {
  accepted: false;
  reason: Exclude<AcceptReason, "Accepted">;
  message: string;
}
export const refusal = (reason: Refusal["reason"], message: string): Refusal => ({ accepted: false, reason, message });
