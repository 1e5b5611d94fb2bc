// SPDX-License-Identifier: Apache-2.0
// What GKE's controllers ask Google Compute about: which VPCs, subnetworks and secondary ranges exist. The Compute emulator's
// state decides, through its ordinary REST surface, or a test through a table.

export interface Subnetwork {
  /** Short name of its VPC. */
  vpc: string;
  secondaryRanges: { name: string; cidr: string }[];
}

export interface CloudLookup {
  /** Short name of the VPC the cluster itself is in. */
  clusterVpc?: string;
  vpcExists(name: string): Promise<boolean>;
  subnetwork(name: string): Promise<Subnetwork | undefined>;
}

/** Everything a test cares about in one table; what is not in it does not exist. */
export function tableLookup(subnetworks: Record<string, Subnetwork>, clusterVpc?: string): CloudLookup {
  return {
    clusterVpc,
    vpcExists: (name) => Promise.resolve(Object.values(subnetworks).some((subnet) => subnet.vpc === name)),
    subnetwork: (name) => Promise.resolve(subnetworks[name]),
  };
}

export interface ComputeLookupOptions {
  /** Root of the Compute API up to and without `/projects`, e.g. `http://127.0.0.1:PORT/compute/v1`. */
  baseUrl: string;
  project: string;
  region: string;
  clusterVpc?: string;
}

/** Asks a Compute API. @throws Error when it answers neither 200 nor 404 */
export function computeLookup({ baseUrl, project, region, clusterVpc }: ComputeLookupOptions): CloudLookup {
  const root = `${baseUrl.replace(/\/+$/, "")}/projects/${project}`;
  const read = async <T>(path: string): Promise<T | undefined> => {
    const response = await fetch(`${root}/${path}`);
    if (response.status === 404) return undefined;
    if (!response.ok) throw new Error(`GET ${path}: HTTP ${response.status}`);
    return (await response.json()) as T;
  };
  return {
    clusterVpc,
    vpcExists: async (name) => (await read(`global/networks/${shortName(name)}`)) !== undefined,
    async subnetwork(name) {
      const found = await read<{ network: string; secondaryIpRanges?: { rangeName: string; ipCidrRange: string }[] }>(
        `regions/${region}/subnetworks/${shortName(name)}`,
      );
      if (!found) return undefined;
      const secondaryRanges = (found.secondaryIpRanges ?? []).map(({ rangeName, ipCidrRange }) => ({
        name: rangeName,
        cidr: ipCidrRange,
      }));
      return { vpc: shortName(found.network), secondaryRanges };
    },
  };
}

/** Last part of a resource path or URL. */
export function shortName(reference: string): string {
  return reference.slice(reference.lastIndexOf("/") + 1);
}
