// SPDX-License-Identifier: Apache-2.0
// When is an object "done"? `pulumi.com/waitFor` decides where it is given, `pulumi.com/skipAwait` says at once, and a few kinds
// have a built-in answer (awaits.ts). A condition that says False is no failure, it waits on, like pulumi-kubernetes does.
import { ProviderError } from "../provider";
import { at, textAt, type Json, type Props } from "../value";
import { builtinVerdict, ready, waiting, type Verdict } from "./awaits";
import { evaluate, parseJsonPath } from "./jsonpath";

export type Test = (live: Props) => Verdict;

const PREFIX = "pulumi.com/";
const DEFAULT_SECONDS = 600;

/** The value of a `pulumi.com/...` annotation of the inputs. */
export function annotation(inputs: Props, name: string): string | undefined {
  return textAt(at(inputs, "metadata.annotations"), `["${PREFIX}${name}"]`);
}

/**
 * The test that decides whether an object is done.
 * @throws ProviderError Refused for a waitFor that is not `condition=Type[=Status]`, `jsonpath={...}[=value]` or a JSON array of these
 */
export function testFor(inputs: Props): Test {
  if (annotation(inputs, "skipAwait") === "true") return () => ready;
  const text = annotation(inputs, "waitFor");
  if (text === undefined) return builtinVerdict;
  const tests = expressions(text).map(testOf);
  return (live) => tests.map((t) => t(live)).find((v) => !v.ready) ?? ready;
}

/** Seconds to wait: the resource's customTimeouts, else the annotation `pulumi.com/timeoutSeconds`, else ten minutes. */
export function timeoutSeconds(inputs: Props, custom: number): number {
  if (custom > 0) return custom;
  const given = Number(annotation(inputs, "timeoutSeconds"));
  return Number.isFinite(given) && given > 0 ? given : DEFAULT_SECONDS;
}

function expressions(text: string): string[] {
  if (!text.trimStart().startsWith("[")) return [text];
  try {
    const list = JSON.parse(text) as unknown;
    if (Array.isArray(list) && list.length > 0 && list.every((x) => typeof x === "string")) return list;
  } catch {
    // reported below, like any other array of the wrong shape
  }
  throw bad(text);
}

function testOf(text: string): Test {
  const condition = /^condition=([^=]+)(?:=(.*))?$/s.exec(text);
  if (condition !== null) return conditionTest(condition[1] ?? "", condition[2] ?? "True");
  const path = /^jsonpath=(\{.*?\}|[^=]+)(?:=(.*))?$/s.exec(text.replace(/^jsonpath='(.*)'$/s, "jsonpath=$1"));
  if (path !== null) return jsonPathTest(path[1] ?? "", path[2]);
  throw bad(text);
}

const bad = (text: string): ProviderError =>
  new ProviderError(
    "Refused",
    `metadata.annotations["${PREFIX}waitFor"]: ${JSON.stringify(text)} is not "condition=Type[=Status]", "jsonpath={.path}[=value]" or a JSON array of these`,
  );

function conditionTest(type: string, status: string): Test {
  return (live) => {
    const list = at(live, "status.conditions");
    const found = (Array.isArray(list) ? list : []).find((c) => textAt(c, "type")?.toLowerCase() === type.toLowerCase());
    if (found !== undefined && textAt(found, "status")?.toLowerCase() === status.toLowerCase()) return ready;
    const now =
      found === undefined
        ? "is not there yet"
        : `is ${textAt(found, "status") ?? "?"} (${textAt(found, "reason") ?? ""}: ${textAt(found, "message") ?? ""})`;
    return waiting(`condition ${type} ${now}, waiting for ${status}`);
  };
}

function jsonPathTest(path: string, wanted: string | undefined): Test {
  const steps = parseJsonPath(path);
  return (live) => {
    if (!observed(live)) return waiting("status.observedGeneration is behind metadata.generation");
    const found = evaluate(steps, live);
    if (found.length === 0) return waiting(`${path} is not there yet`);
    if (wanted === undefined || found.some((v) => show(v) === unquote(wanted))) return ready;
    return waiting(`${path} is ${found.map(show).join(", ")}, waiting for ${wanted}`);
  };
}

const show = (v: Json): string => (typeof v === "object" ? JSON.stringify(v) : String(v));
const unquote = (text: string): string => text.trim().replace(/^(["'])(.*)\1$/s, "$2");

function observed(live: Props): boolean {
  const seen = at(live, "status.observedGeneration");
  const generation = at(live, "metadata.generation");
  return typeof seen !== "number" || typeof generation !== "number" || seen >= generation;
}
