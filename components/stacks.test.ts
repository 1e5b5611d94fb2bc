// SPDX-License-Identifier: Apache-2.0
// What the SDK and a reader of an error get to see of a stack, and what is spared.
import { expect } from "chai";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { mapOwnFramesOnly } from "./stacks";

type Formatter = (error: Error, frames: NodeJS.CallSite[]) => unknown;
const v8 = Error as unknown as { prepareStackTrace?: Formatter | undefined };

describe("stacks", () => {
  const before = v8.prepareStackTrace;
  let dir: string;
  let mappedFiles: string[];
  /** As source map libraries format: a header, then a line for each frame. */
  const mapped: Formatter = (error, frames) => {
    mappedFiles.push(...frames.map((f) => path.basename(f.getFileName() ?? "native")));
    return `${error.name}: ${error.message}${frames.map((f) => `\n    at mapped ${path.basename(f.getFileName() ?? "native")}`).join("")}`;
  };
  /** A function of a module in that folder, which calls what it is given. */
  const moduleIn = (folder: string, name: string, body: string): ((work: () => unknown) => unknown) => {
    const file = path.join(dir, folder, `${name}.js`);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, body);
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- files of this test's making
    return require(file) as (work: () => unknown) => unknown;
  };
  const stackOf = (message: string): string => new Error(message).stack!;

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), "gkepip-stacks-"));
    mappedFiles = [];
    v8.prepareStackTrace = mapped;
  });
  afterEach(() => {
    v8.prepareStackTrace = before;
    fs.rmSync(dir, { recursive: true });
  });

  it("map the program's frames and write those of packages plainly, each in its place", () => {
    const sdk = moduleIn("node_modules/sdk", "sdk", "module.exports = function register(work) { return work(); };");
    class Widget {
      readonly text: string;
      constructor() {
        this.text = sdk(() => program(() => stackOf("x"))) as string;
      }
    }
    const program = moduleIn("app", "app", "module.exports = function program(work) { return work(); };");
    mapOwnFramesOnly({});
    const lines = new Widget().text.split("\n");
    expect(lines[0]).to.equal("Error: x");
    // This test lies in the folder of the components, so its frames are the package's.
    expect(lines[1]).to.match(/^ {4}at stackOf \(.*stacks\.test\.ts:\d+:\d+\)$/);
    expect(lines[3]).to.equal("    at mapped app.js");
    expect(lines[5]).to.match(/^ {4}at register \(.*node_modules.sdk.sdk\.js:1:\d+\)$/);
    expect(lines[6]).to.match(/^ {4}at new Widget \(/);
    expect(mappedFiles).to.deep.equal(["app.js"]);
    expect(lines.join()).to.not.include("node:");
  });

  it("can be read by the SDK: each frame but those of Node.js has its file, line and column where its own pattern looks", () => {
    const sdk = moduleIn("node_modules/sdk", "sdk", "module.exports = (work) => work();");
    mapOwnFramesOnly({});
    const at = /^\s*at .* \((?<file>.*):(?<line>[0-9]+):(?<column>[0-9]+)\)$/;
    const [, ...frames] = (sdk(() => stackOf("x")) as string).split("\n");
    expect(frames.filter((line) => !line.includes("at mapped")).every((line) => at.test(line))).to.equal(true);
    expect(frames.map((line) => path.basename(at.exec(line)?.groups?.["file"] ?? ""))).to.include("sdk.js");
  });

  it("are not made at all for the SDK's search for promises that never end", () => {
    const note = moduleIn("app", "app", "module.exports = function debuggablePromise() { return new Error('x').stack; };");
    mapOwnFramesOnly({});
    expect(note(() => undefined)).to.equal("Error");
    expect(mappedFiles).to.deep.equal([]);
  });

  it("stay as they were where that search is on, and where nothing is mapped", () => {
    mapOwnFramesOnly({ PULUMI_DEBUG_PROMISE_LEAKS: "1" });
    expect(v8.prepareStackTrace).to.equal(mapped);
    v8.prepareStackTrace = undefined;
    mapOwnFramesOnly({});
    expect(v8.prepareStackTrace).to.equal(undefined);
  });

  it("are changed once, however many components there are, and once more after another tool has put its own formatter", () => {
    mapOwnFramesOnly({});
    const once = v8.prepareStackTrace;
    expect(once).to.not.equal(mapped);
    mapOwnFramesOnly({});
    expect(v8.prepareStackTrace).to.equal(once);
    v8.prepareStackTrace = (error) => `other ${error.message}`;
    mapOwnFramesOnly({});
    expect(stackOf("y")).to.match(/^other y/);
  });

  it("leave a formatter alone that makes no text", () => {
    v8.prepareStackTrace = (_error, frames) => frames.length;
    mapOwnFramesOnly({});
    expect(new Error("z").stack).to.be.a("number").above(0);
  });
});
