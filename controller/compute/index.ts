// SPDX-License-Identifier: Apache-2.0
// Public surface of the room.
export { COMPUTE_ERROR_CODES, ComputeError, isComputeError, type ComputeErrorCode } from "./errors";
export { createFabric } from "./fabric";
export { partName } from "./fallback";
export { allowingRules, ingressAllowed } from "./firewall";
export { collectOrphans, orphansIn, type Orphan, type OrphanOptions, type OrphanReport, type Wanted } from "./orphans";
export { descriptionIsOurs, labelsAreOurs, ownedDescription, ownedLabels, ruleIsOurs, targetIsOurs } from "./ownership";
export { targetPath } from "./paths";
export { DEFAULT_POLICY, type RetryPolicy } from "./retry";
export type * from "./types";
