// SPDX-License-Identifier: Apache-2.0
// The Python and the YAML example through the provider protocol, with Pulumi's own language hosts, its engine, the generated SDK and the plugin.
import { expect } from "chai";
import { proxyPods } from "../schema/pods";
import { pythonWithPulumi } from "../schema/python";
import { installHosts, installPlugin } from "../../sandbox/languages";
import { ensureTools } from "../../sandbox/tools";
import type { Project } from "./project";
import { untilReady, useExamples } from "./world";

interface Language {
  name: "python" | "yaml";
  edit: (p: Project) => void;
  wrong: { edit: (p: Project) => void; said: RegExp };
}

const LANGUAGES: Language[] = [
  {
    name: "python",
    edit: (p) =>
      p.edit(
        'for name in ("smtp", "imap")},\n    namespaces',
        'for name in ("smtp", "imap", "pop")},\n    namespaces',
        "__main__.py",
      ),
    wrong: {
      edit: (p) => p.edit("addresses=[name]", 'addresses=["nowhere"]', "__main__.py"),
      said: /"nowhere" is not one of the addresses/,
    },
  },
  {
    name: "yaml",
    edit: (p) =>
      p.edit("        imap: {}\n      namespaces", "        imap: {}\n        pop: {}\n      namespaces", "Pulumi.yaml"),
    wrong: {
      edit: (p) => p.edit("addresses: [smtp]", "addresses: [nowhere]", "Pulumi.yaml"),
      said: /"nowhere" is not one of the addresses/,
    },
  },
];

describe("examples in other languages", function () {
  this.timeout(180_000);
  const examples = useExamples();

  before(async function () {
    this.timeout(240_000);
    const { home } = examples().world.engine;
    installPlugin(home);
    const python = await pythonWithPulumi();
    installHosts(home, await ensureTools({ need: ["languages"] }));
    if ("why" in python) console.log(`      Python is skipped: ${python.why}`);
  });

  for (const language of LANGUAGES)
    it(`${language.name}: preview, up, no change, one more address, a wrong name refused, destroy`, async function () {
      const python = await pythonWithPulumi();
      if (language.name === "python" && "why" in python) return this.skip();
      const e = examples();
      const project = await e.project(language.name, { [`example-${language.name}:onDestroy`]: "Delete" });
      // Instead of the folder venv: this host is older than the engine's way of telling it the options of the runtime.
      if ("executable" in python) project.env = { PULUMI_PYTHON_CMD: python.executable };
      try {
        const planned = await project.preview();
        expect((await project.up()).changes).to.deep.equal(planned.changes);
        await proxyPods(e.world, { namespace: "mail", network: "blue-network", names: ["smtp", "imap"] });
        const rows = await untilReady(e.world, 40_000);
        expect(rows.map((r) => r.route)).to.have.members(["mail/mail-smtp", "mail/mail-imap"]);
        const outputs = JSON.parse((await project.ok(["stack", "output", "--json"])).text) as { addresses: object };
        expect(Object.values(outputs.addresses)).to.have.members(rows.map((r) => r.address));
        const [edited, wrong] = [project.copy(), project.copy()];
        language.edit(edited);
        language.wrong.edit(wrong);
        const [, shown, refused] = await Promise.all([project.unchanged(), edited.preview(), wrong.run(["preview"])]);
        expect(shown.changes, shown.text).to.deep.equal({ create: 1, update: 2 });
        expect([refused.code === 0, language.wrong.said.test(refused.text)], refused.text).to.deep.equal([false, true]);
      } finally {
        await project.destroy();
      }
    });
});
