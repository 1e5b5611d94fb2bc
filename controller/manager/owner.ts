// SPDX-License-Identifier: Apache-2.0
// Whether the route of a claim exists, asked of the API server itself. Claims and routes come over two watches, and one may be minutes behind
// the other: that a route is not known is no proof that it is gone, and to give its address back would cost it a gap.
// Kubernetes' garbage collector looks for an absent owner in the same way before it deletes.
import { KINDS, type AddressBinding, type KubeObject } from "../api";
import { listAll, resourcePath, type ApiClient } from "../kubernetes";

/**
 * The route that a claim belongs to, as the API server has it now; undefined: there is none of that UID any more. One request, with the right
 * to list that the watches need anyway.
 * @throws ApiError
 */
export async function ownerNow(client: ApiClient, { spec: { route } }: AddressBinding): Promise<KubeObject | undefined> {
  const named: KubeObject[] = [];
  const path = resourcePath(KINDS.route, route.namespace);
  const query = { fieldSelector: `metadata.name=${route.name}` };
  await listAll({ client, path, query, keepManagedFields: true }, (object) => void named.push(object as KubeObject));
  return named.find(({ metadata }) => metadata.uid === route.uid);
}
