// SPDX-License-Identifier: Apache-2.0
// The environment of the user's program and of everything the CLI starts. Loaders and source map switches that this very process
// was started with must not leak into it (see the hazard in langhost.ts).

const LOADER_VARIABLES = ["NODE_V8_COVERAGE", "TS_NODE_PROJECT", "TS_NODE_TRANSPILE_ONLY", "TSX_TSCONFIG_PATH"];
const LOADER_OPTIONS = /(^|\s)(--enable-source-maps|(--require|-r|--import|--loader|--experimental-loader)(=|\s+)\S+)(?=\s|$)/g;

/** A copy of `env` without loaders, source map switches, and without a kubeconfig that is not the program's own. */
export function programEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const out: NodeJS.ProcessEnv = { ...env };
  for (const name of LOADER_VARIABLES) delete out[name];
  delete out["KUBECONFIG"]; // k8s.Provider would take it for a provider without a kubeconfig of its own
  const options = out["NODE_OPTIONS"]?.replace(LOADER_OPTIONS, "").trim();
  if (options) out["NODE_OPTIONS"] = options;
  else delete out["NODE_OPTIONS"];
  return out;
}
