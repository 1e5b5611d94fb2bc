// SPDX-License-Identifier: Apache-2.0
// Lint rules: types are checked, functions stay small, and the rooms of the house import only through the doors that the layout allows.
// tests/repo/boundaries.test.ts shows that each boundary bites.
import { createNodeResolver, importX } from "eslint-plugin-import-x";
import tseslint from "typescript-eslint";

const root = import.meta.dirname;
const TESTS = ["**/*.test.ts", "tests/**/*.ts", "**/testing/**/*.ts", "**/testing.ts", "**/testing-*.ts"];

const ROOMS = ["api", "core", "kubernetes", "compute", "node", "cli", "manager"];
const TOPS = ["components", "controller", "sandbox", "examples", "tests", "scripts", "provider", "policy"];

/**
 * @param {string} target folder of the importing file
 * @param {string[]} allowed folders it may import from, besides itself
 * @param {string} why
 */
function only(target, allowed, why) {
  const inside = target.startsWith("controller/") ? "controller" : undefined;
  const may = [target, ...allowed];
  const tops = TOPS.filter((top) => top !== inside && !may.includes(top)).map((top) => ({
    target: `./${target}`,
    from: `./${top}`,
    except: may.filter((m) => m.startsWith(`${top}/`)).map((m) => `./${m.slice(top.length + 1)}`),
    message: why,
  }));
  if (!inside) return tops;
  const rooms = [...ROOMS, "main.ts"].filter((room) => !may.includes(`controller/${room}`));
  return [...tops, ...rooms.map((room) => ({ target: `./${target}`, from: `./controller/${room}`, message: why }))];
}

const ZONES = [
  ...only("controller/api", [], "controller/api is the contract: it imports nothing of ours."),
  ...only("controller/core", ["controller/api"], "controller/core decides purely: it imports only controller/api."),
  ...["kubernetes", "compute", "node"].flatMap((room) =>
    only(`controller/${room}`, ["controller/api"], `controller/${room} is an edge: it imports only controller/api and itself.`),
  ),
  ...only("components", ["controller/api"], "components import only controller/api; the bundle is read as a file."),
  // manager, cli and main wire the rooms of the controller, and nothing else of the house.
  ...only("controller", [], "The controller imports nothing outside of controller/."),
  ...only("scripts", ["components", "controller"], "Scripts build the package; they know nothing of sandbox, tests or examples."),
  ...only("sandbox", ["controller", "components", "examples"], "Only tests import tests."),
];

const PURE_IMPORTS = {
  patterns: [
    {
      regex: "^(?!\\.{1,2}(/|$)|node:crypto$)",
      message: "This room is pure: no packages and no Node.js modules but node:crypto (hashes).",
    },
  ],
};
const property = (object, name, instead) => ({
  object,
  property: name,
  message: `Nothing reads ${object}.${name} here; ${instead}.`,
});
const OUTSIDE = [
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "fetch",
  "process",
  "performance",
  "crypto",
  "console",
];

export default tseslint.config(
  {
    ignores: [
      "dist/**",
      "coverage/**",
      "node_modules/**",
      ".sandbox/**",
      "sdk/**", // generated
      "tests/schema/programs/**", // programs of consumers, checked against the generated SDK by their own suite
      "**/*.js",
      "**/*.mjs",
      "**/*.cjs",
      "!eslint.config.mjs",
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    plugins: { "import-x": importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    settings: {
      "import-x/parsers": { "@typescript-eslint/parser": [".ts"] },
      "import-x/resolver-next": [createNodeResolver({ extensions: [".ts", ".js", ".json"] })],
    },
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true },
      ],
      "@typescript-eslint/max-params": ["error", { max: 4 }],
      // The engine's gRPC services have no types of their own.
      "@typescript-eslint/no-require-imports": ["error", { allow: ["^@pulumi/pulumi/proto/\\w+_grpc_pb$"] }],
      "@typescript-eslint/only-throw-error": "error",
      "@typescript-eslint/prefer-promise-reject-errors": "error",
      complexity: ["error", 10],
      "max-depth": ["error", 3],
      "max-lines": ["error", { max: 300, skipBlankLines: false, skipComments: false }],
      eqeqeq: ["error", "always"],
      "no-eval": "error",
      "import-x/no-restricted-paths": ["error", { basePath: root, zones: ZONES }],
    },
  },
  {
    files: ["controller/api/**/*.ts", "controller/core/**/*.ts"],
    ignores: TESTS,
    rules: {
      "@typescript-eslint/no-restricted-imports": ["error", PURE_IMPORTS],
      "no-restricted-properties": [
        "error",
        property("Date", "now", "the caller gives the time"),
        property("Math", "random", "the caller gives the number"),
      ],
      "no-restricted-globals": [
        "error",
        ...OUTSIDE.map((name) => ({ name, message: "This room is pure: no I/O, no clock, no timers." })),
      ],
      "no-restricted-syntax": [
        "error",
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: "Nothing reads the clock here; the caller gives the time.",
        },
        { selector: "CallExpression[callee.name='Date']", message: "Nothing reads the clock here; the caller gives the time." },
        { selector: "ImportExpression", message: "This room is pure: everything is imported at the top." },
        { selector: "CallExpression[callee.name='require']", message: "This room is pure: everything is imported at the top." },
      ],
    },
  },
  {
    files: TESTS,
    rules: {
      // chai's assertions are property reads, and tests look into JSON whose shape is what they test.
      "@typescript-eslint/no-unused-expressions": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/require-await": "off",
      "max-lines": ["error", 500],
    },
  },
);
