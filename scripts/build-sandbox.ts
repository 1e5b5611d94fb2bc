// SPDX-License-Identifier: Apache-2.0
// Compiles the sandbox for the npm package: dist/sandbox/main.js for bin/gke-persistent-ip.js, and the language host that the CLI starts. Only
// packing needs it; in a checkout the sandbox runs from its sources.
import * as fs from "node:fs";
import * as path from "node:path";
import { build, type Plugin } from "esbuild";

const root = path.resolve(__dirname, "..");
const out = path.join(root, "dist", "sandbox");

/** A compiled file asks for its folder as if it still lay where its source does: go.mod and the like are shipped in their places. */
const foldersOfSources: Plugin = {
  name: "folders-of-sources",
  setup(compiler) {
    compiler.onLoad({ filter: /[\\/]sandbox[\\/].*\.ts$/ }, (file) => {
      const text = fs.readFileSync(file.path, "utf8");
      const folder = path.relative(root, path.dirname(file.path)).split(path.sep);
      const there = `require("node:path").join(__dirname, "..", "..", ${folder.map((f) => JSON.stringify(f)).join(", ")})`;
      return { contents: text.replace(/\b__dirname\b/g, there), loader: "ts" };
    });
  },
};

/** esbuild is asked for only where the compiled sandbox is not: nothing that the package offers comes there. */
const lazyEsbuild: Plugin = {
  name: "lazy-esbuild",
  setup(compiler) {
    compiler.onResolve({ filter: /^esbuild$/ }, () => ({ path: "esbuild", namespace: "lazy" }));
    compiler.onLoad({ filter: /.*/, namespace: "lazy" }, () => ({
      contents: `const name = "esbuild";
for (const key of ["build", "buildSync", "transform", "transformSync"])
  Object.defineProperty(exports, key, { enumerable: true, get: () => require(name)[key] });`,
    }));
  },
};

/** @returns bytes of what was made */
export async function buildSandbox(): Promise<number> {
  fs.rmSync(out, { recursive: true, force: true });
  const options = { bundle: true, platform: "node", target: "node20", format: "cjs", minify: true, keepNames: true } as const;
  const made = [
    // @pulumi/pulumi is the user's: two copies of its messages do not understand each other. ts-node is only for a checkout.
    {
      entry: "sandbox/main.ts",
      outfile: "main.js",
      external: ["@pulumi/*", "ts-node"],
      plugins: [foldersOfSources, lazyEsbuild],
    },
    // Started for each command of the CLI, from a folder that has no packages: everything inside.
    { entry: "sandbox/pulumi/langhostmain.ts", outfile: "langhost.cjs", external: [], plugins: [] },
  ];
  let bytes = 0;
  for (const { entry, outfile, ...more } of made) {
    const file = path.join(out, outfile);
    await build({ ...options, ...more, entryPoints: [path.join(root, entry)], outfile: file, logLevel: "error" });
    bytes += fs.statSync(file).size;
  }
  return bytes;
}

if (require.main === module)
  buildSandbox().then(
    (bytes) => console.log(`built the sandbox (${Math.round(bytes / 1024)} KiB)`),
    (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    },
  );
