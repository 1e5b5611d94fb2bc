// SPDX-License-Identifier: Apache-2.0
// What "npm publish" would send: every class of file that users need, none that they do not, and not more than so many bytes.
import { expect } from "chai";
import { manifest, packed, unpack, type Packed } from "./pack";

const KIB = 1024;
/** Bounds are a third above what was measured: growth must be somebody's decision. */
const MOST_PACKED = 1_900 * KIB;
const MOST_UNPACKED = 4_600 * KIB;

const CLASSES: [what: string, pattern: RegExp, atLeast: number][] = [
  ["page", /^(README|CHANGELOG)\.md$|^LICENSE$|^package\.json$/, 4],
  ["compiled component and its types", /^dist\/components\/\w+\.(js|d\.ts)$/, 40],
  ["compiled contract and its types", /^dist\/controller\/api\/[\w-]+\.(js|d\.ts)$/, 20],
  ["the controller, as one file with its hash", /^dist\/bundle\/(controller\.js\.br|manifest\.json)$/, 2],
  [
    "the plugin for other languages",
    /^dist\/provider\/(index|provider)\.js$|^provider\/plugin\/(index\.js|package\.json|PulumiPlugin\.yaml)$/,
    5,
  ],
  ["the schema", /^schema\/(schema|released)\.json$/, 1],
  ["the policy pack", /^dist\/policy\/(index\.js|rules\.js|package\.json|PulumiPolicy\.yaml)$/, 4],
  ["the sandbox", /^dist\/sandbox\/(main\.js|langhost\.cjs)$/, 2],
  ["what builds the sandbox's programs", /^sandbox\/tools\/((\w+\/)?go\.(mod|sum)|[\w-]+\.go)$/, 5],
  ["command", /^bin\/[\w-]+(\.js)?$/, 2],
];

describe("the package's content", function () {
  this.timeout(240_000);
  let p: Packed;
  before(async () => {
    p = await packed();
  });
  after(unpack);

  for (const [what, pattern, atLeast] of CLASSES)
    it(`has ${what}: at least ${atLeast} ${atLeast === 1 ? "file" : "files"}`, () => {
      expect(p.files.filter((f) => pattern.test(f.path)).length).to.be.at.least(atLeast);
    });

  it("has nothing else: no sources, no tests, no maps, nothing of this machine", () => {
    const other = p.files.map((f) => f.path).filter((f) => !CLASSES.some(([, pattern]) => pattern.test(f)));
    expect(other).to.deep.equal([]);
  });

  it(`is at most ${MOST_PACKED / KIB} KiB packed and ${MOST_UNPACKED / KIB} KiB unpacked`, () => {
    const largest = [...p.files].sort((a, b) => b.size - a.size).slice(0, 4);
    const shown = largest.map((f) => `${f.path} ${Math.round(f.size / KIB)} KiB`).join(", ");
    console.log(
      `      ${p.files.length} files, ${Math.round(p.size / KIB)} KiB packed, ${Math.round(p.unpackedSize / KIB)} KiB unpacked; ${shown}`,
    );
    expect(p.size, shown).to.be.at.most(MOST_PACKED);
    expect(p.unpackedSize, shown).to.be.at.most(MOST_UNPACKED);
  });

  it("has both commands under their names, and pins no dependency of the sandbox on its users", () => {
    const { bin = {}, dependencies } = manifest();
    expect(bin).to.include({
      "gke-persistent-ip": "bin/gke-persistent-ip.js",
      "pulumi-resource-gke-persistent-ip": "bin/pulumi-resource-gke-persistent-ip.js",
    });
    expect(Object.keys(dependencies).sort()).to.deep.equal(["@pulumi/gcp", "@pulumi/kubernetes", "@pulumi/pulumi"]);
  });
});
