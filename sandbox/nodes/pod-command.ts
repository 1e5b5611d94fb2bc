// SPDX-License-Identifier: Apache-2.0
// Turns a container into a command of this machine: paths of mounts become folders, declared ports become free ones, `node`
// becomes the running node, `$(VAR)` is expanded as the kubelet does. Pure.
import { basename } from "node:path";
import { PodError, type Container } from "./pod-types";

export interface CommandContext {
  /** Where each mount path lies on this machine. */
  mounts: ReadonlyMap<string, string>;
  /** Declared container port to the port that is really used. */
  ports: ReadonlyMap<number, number>;
  env: Readonly<Record<string, string>>;
  nodePath: string;
  /** What images start by themselves, by their names; of others it is not known. */
  entrypoints?: ReadonlyMap<string, readonly string[]>;
}

export interface HostCommand {
  command: string;
  args: string[];
}

/** @throws PodError when the container relies on an entry point that only its image knows */
export function hostCommand(container: Container, context: CommandContext): HostCommand {
  const words = [...(container.command ?? impliedCommand(container, context)), ...(container.args ?? [])];
  return hostWords(words, context);
}

/** The same for a bare command line, e.g. of an exec probe. */
export function hostWords(words: readonly string[], context: CommandContext): HostCommand {
  const [command = "", ...args] = words.map((word) => rewrite(expandVariables(word, context.env), context));
  return { command: basename(command) === "node" ? context.nodePath : command, args };
}

/** Environment values with mounts and ports rewritten, and `PORT_<NAME>` for every named port. */
export function hostEnvironment(container: Container, context: CommandContext): Record<string, string> {
  const env = Object.fromEntries(Object.entries(context.env).map(([name, value]) => [name, rewrite(value, context)]));
  for (const { name, containerPort } of container.ports ?? []) {
    const port = context.ports.get(containerPort);
    if (name !== undefined && port !== undefined) env[`PORT_${name.toUpperCase().replaceAll("-", "_")}`] = String(port);
  }
  return env;
}

/** `$(NAME)` becomes its value, `$$(NAME)` stays as `$(NAME)`, an unknown name stays as it is (the API's own rule). */
export function expandVariables(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$(\$)?\(([A-Za-z_][\w.-]*)\)/g, (whole, escaped: string | undefined, name: string) =>
    escaped ? whole.slice(1) : (env[name] ?? whole),
  );
}

function rewrite(text: string, { mounts, ports }: CommandContext): string {
  let out = text;
  const paths = [...mounts.keys()].sort((a, b) => b.length - a.length); // a mount inside another one goes first
  for (const path of paths) {
    const at = new RegExp(`(^|[^\\w./-])${escape(path)}(?=$|[^\\w.-])`, "g");
    out = out.replace(at, (_, before: string) => `${before}${mounts.get(path) ?? path}`);
  }
  for (const [declared, real] of ports) {
    out = out.replace(new RegExp(`(:|=|^)${declared}(?=$|[/,;])`, "g"), (_, before: string) => `${before}${real}`);
  }
  return out;
}

// Official node images start `node` when the first argument is a script or a flag.
function impliedCommand(container: Container, { entrypoints }: CommandContext): readonly string[] {
  const image = container.image ?? "";
  const known = entrypoints?.get(image);
  if (known) return known;
  const first = container.args?.[0] ?? "";
  if (/(^|\/)node(js)?[:@\d]|nodejs/.test(image) && /^-|\.[cm]?js$/.test(first)) return ["node"];
  throw new PodError(
    "CreateContainerConfigError",
    `container ${container.name}: command is not set; the sandbox runs processes, not images, and cannot know the entry point of ${image || "no image"}`,
  );
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
