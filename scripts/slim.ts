// SPDX-License-Identifier: Apache-2.0
// Leaves out of the controller's bundle what it never runs. Every program that uses the package carries the bundle through its memory, its
// engine and its state (tests/bench/consumer.ts), so its size is a cost of each preview.
import * as path from "node:path";
import type { Plugin } from "esbuild";

/** undici without its fetch, mocks, caches and interceptors: `Pool`, with the methods that its index gives to every dispatcher. */
const POOL = `const Dispatcher = require("undici/lib/dispatcher/dispatcher.js");
Object.assign(Dispatcher.prototype, require("undici/lib/api/index.js"));
exports.Pool = require("undici/lib/dispatcher/pool.js");`;

/**
 * An esbuild plugin.
 * @param root folder whose node_modules has the libraries
 */
export const slim = (root: string): Plugin => ({
  name: "slim",
  setup(compiler) {
    compiler.onResolve({ filter: /^undici$/ }, () => ({ path: "undici", namespace: "slim" }));
    compiler.onLoad({ filter: /^undici$/, namespace: "slim" }, () => ({ contents: POOL, resolveDir: root }));
    // The parser for processors without SIMD; each that a GKE node can have has it, and V8 says so where one has not.
    compiler.onResolve({ filter: /\/llhttp-wasm\.js$/ }, ({ path: asked, resolveDir }) => ({
      path: path.join(resolveDir, asked.replace("llhttp-wasm", "llhttp_simd-wasm")),
    }));
    // fetch-blob asks for it where there is no ReadableStream, and every Node.js that may run the bundle has one.
    compiler.onResolve({ filter: /^web-streams-polyfill/ }, () => ({ path: "nothing", namespace: "slim" }));
    compiler.onLoad({ filter: /^nothing$/, namespace: "slim" }, () => ({ contents: "" }));
  },
});
