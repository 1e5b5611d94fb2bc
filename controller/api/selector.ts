// SPDX-License-Identifier: Apache-2.0
// metav1.LabelSelector: read once into a matcher, or refuse with the field and the value (E13, E14). Same rules as Kubernetes' own.

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}
export interface SelectorProblem {
  /** Path below the selector, such as `matchExpressions[0].values`. Empty: the selector itself. */
  path: string;
  message: string;
}
export type Labels = Readonly<Record<string, string>>;
export type Matcher = (labels: Labels) => boolean;
export type ParsedSelector = { ok: true; matches: Matcher } | { ok: false; problems: SelectorProblem[] };

const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function keyProblem(key: string): string | undefined {
  const slash = key.indexOf("/");
  const name = key.slice(slash + 1);
  if (slash >= 0 && (slash > 253 || !PREFIX.test(key.slice(0, slash))))
    return `label key ${JSON.stringify(key)} has a prefix that is not a DNS name`;
  return NAME.test(name)
    ? undefined
    : `label key ${JSON.stringify(key)} must be 1 to 63 letters, digits, "-", "_" or ".", begin and end with a letter or digit`;
}
const valueProblem = (value: string): string | undefined =>
  value === "" || NAME.test(value)
    ? undefined
    : `label value ${JSON.stringify(value)} must be at most 63 letters, digits, "-", "_" or ".", begin and end with a letter or digit`;

type Expression = NonNullable<LabelSelector["matchExpressions"]>[number];
interface Operator {
  values: "some" | "none";
  /** @param have the label's value; undefined: the object has no such label */
  test: (have: string | undefined, values: readonly string[]) => boolean;
}
const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ["In", { values: "some", test: (have, values) => have !== undefined && values.includes(have) }],
  ["NotIn", { values: "some", test: (have, values) => have === undefined || !values.includes(have) }],
  ["Exists", { values: "none", test: (have) => have !== undefined }],
  ["DoesNotExist", { values: "none", test: (have) => have === undefined }],
]);
// "constructor" is a valid label key that every JavaScript object answers to.
const labelOf = (labels: Labels, key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);

function expressionProblems(e: Expression, path: string): SelectorProblem[] {
  const found: SelectorProblem[] = [];
  const add = (field: string, message: string | undefined): void =>
    void (message && found.push({ path: `${path}.${field}`, message }));
  add("key", keyProblem(e.key));
  const operator = OPERATORS.get(e.operator);
  const count = e.values?.length ?? 0;
  if (!operator) add("operator", `operator ${JSON.stringify(e.operator)} is not one of ${[...OPERATORS.keys()].join(", ")}`);
  else if (operator.values === "some" && count === 0) add("values", `operator ${e.operator} needs at least one value`);
  else if (operator.values === "none" && count > 0) add("values", `operator ${e.operator} takes no values`);
  (e.values ?? []).forEach((v, i) => add(`values[${i}]`, valueProblem(v)));
  return found;
}

function problemsOf({ matchLabels, matchExpressions }: LabelSelector): SelectorProblem[] {
  const found: SelectorProblem[] = [];
  for (const [key, value] of Object.entries(matchLabels ?? {}))
    for (const message of [keyProblem(key), valueProblem(value)])
      if (message) found.push({ path: `matchLabels["${key}"]`, message });
  (matchExpressions ?? []).forEach((e, i) => found.push(...expressionProblems(e, `matchExpressions[${i}]`)));
  return found;
}

/**
 * Reads a selector. An empty one is refused: it would mean every Pod of the namespace (E13, S9).
 * @param allowEmpty true for Namespace selectors of a listener, where empty means all
 */
export function parseSelector(selector: LabelSelector | undefined, allowEmpty = false): ParsedSelector {
  const given = selector ?? {};
  const labels = Object.entries(given.matchLabels ?? {});
  const expressions = given.matchExpressions ?? [];
  const problems = problemsOf(given);
  if (!allowEmpty && labels.length + expressions.length === 0)
    problems.push({ path: "", message: "an empty selector would select every Pod of the namespace; name at least one label" });
  if (problems.length > 0) return { ok: false, problems };
  const matches: Matcher = (have) =>
    labels.every(([k, v]) => labelOf(have, k) === v) &&
    expressions.every((e) => OPERATORS.get(e.operator)!.test(labelOf(have, e.key), e.values ?? []));
  return { ok: true, matches };
}

/** Labels that whatever a (valid) selector matches must carry: by one of them it can be found without looking at everything. */
export function requiredLabels(selector: LabelSelector | undefined): [key: string, value: string][] {
  const single = (selector?.matchExpressions ?? []).filter((e) => e.operator === "In" && e.values?.length === 1);
  return [...Object.entries(selector?.matchLabels ?? {}), ...single.map((e): [string, string] => [e.key, e.values![0]!])];
}
