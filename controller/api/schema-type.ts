// SPDX-License-Identifier: Apache-2.0
// The subset of OpenAPI v3 that our CRDs use, and the mapped type that turns an `as const` schema into its TypeScript type.

export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: { readonly [name: string]: Schema };
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: string;
  readonly "x-kubernetes-validations"?: readonly { readonly rule: string; readonly message: string }[];
}

type Required<S> = S extends { readonly required: readonly (infer R)[] } ? R : never;
type Defaulted<P> = { [K in keyof P]: P[K] extends { readonly default: unknown } ? K : never }[keyof P];
type ObjectOf<S, P, Read extends boolean> = {
  -readonly [K in keyof P as K extends Required<S> | (Read extends true ? Defaulted<P> : never) ? K : never]: TypeOf<P[K], Read>;
} & {
  -readonly [K in keyof P as K extends Required<S> | (Read extends true ? Defaulted<P> : never) ? never : K]?: TypeOf<P[K], Read>;
};

/** What an object looks like once the API server has filled the defaults (`Read` true), or as a user writes it (`Read` false). */
export type TypeOf<S, Read extends boolean = true> = S extends { readonly enum: readonly (infer E)[] }
  ? E
  : S extends { readonly properties: infer P }
    ? ObjectOf<S, P, Read>
    : S extends { readonly items: infer I }
      ? TypeOf<I, Read>[]
      : S extends { readonly additionalProperties: infer A }
        ? Record<string, TypeOf<A, Read>>
        : S extends { readonly type: "string" }
          ? string
          : S extends { readonly type: "integer" | "number" }
            ? number
            : S extends { readonly type: "boolean" }
              ? boolean
              : S extends { readonly type: "object" }
                ? Record<string, unknown>
                : unknown;
