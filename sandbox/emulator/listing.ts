// SPDX-License-Identifier: Apache-2.0
// Filter, order and page a list. A page token names the last item that was given, so pages stay right while items come
// and go.
import { invalid } from "./errors";
import { parseFilter } from "./filter";

const PAGE = 500;

export interface Page<T> {
  items: T[];
  nextPageToken?: string;
}

interface Listed {
  name: string;
  id: string;
  creationTimestamp: string;
}

type Query = Readonly<Record<string, string>>;

/**
 * One page of `items`.
 * @throws ApiError `invalid` naming the query parameter: filter, orderBy, maxResults (0..500) or pageToken
 */
export function page<T extends Listed>(items: readonly T[], query: Query): Page<T> {
  const { key, descending } = order(query.orderBy);
  const keep = parseFilter(query.filter);
  const keyed = items.filter((item) => keep(item)).map((item) => ({ item, key: key(item) }));
  const direction = descending ? -1 : 1;
  const compare = (a: string, b: string) => (a < b ? -direction : a > b ? direction : 0);
  keyed.sort((a, b) => compare(a.key, b.key));
  const after = startOf(query.pageToken);
  const rest = after === undefined ? keyed : keyed.filter((entry) => compare(entry.key, after) > 0);
  const size = pageSize(query.maxResults);
  const taken = rest.slice(0, size);
  const last = taken.at(-1);
  return {
    items: taken.map((entry) => entry.item),
    ...(rest.length > size && last ? { nextPageToken: token(last.key) } : {}),
  };
}

function order(orderBy: string | undefined): { key: (item: Listed) => string; descending: boolean } {
  switch (orderBy) {
    case undefined:
    case "":
    case "name":
    case "name asc":
      return { key: (item) => `${item.name}\n${item.id}`, descending: false };
    case "creationTimestamp desc":
      return { key: (item) => `${item.creationTimestamp}\n${item.id}`, descending: true };
    default:
      throw invalid("orderBy", orderBy, "Only 'name' and 'creationTimestamp desc' can be used.");
  }
}

function pageSize(text: string | undefined): number {
  if (text === undefined) return PAGE;
  const size = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(size <= PAGE)) throw invalid("maxResults", text, `It must be between 0 and ${PAGE}.`);
  return size === 0 ? PAGE : size;
}

function token(key: string): string {
  return Buffer.from(`1:${key}`).toString("base64url");
}

function startOf(text: string | undefined): string | undefined {
  if (text === undefined || text === "") return undefined;
  const plain = Buffer.from(text, "base64url").toString();
  if (!plain.startsWith("1:")) throw invalid("pageToken", text, "It is not a token of this list.");
  return plain.slice(2);
}
