// SPDX-License-Identifier: Apache-2.0
// Doc comments of interfaces and of const objects that stand for enumerations: Pulumi's analyzer brings those of fields only.
import * as fs from "node:fs";
import * as path from "node:path";
import * as ts from "typescript";

/** Text of the doc comment of each exported interface and const object, by its name. */
export function documentation(folder: string): Map<string, string> {
  const docs = new Map<string, string>();
  for (const file of fs.readdirSync(folder).filter((f) => f.endsWith(".ts") && !f.endsWith(".test.ts"))) {
    const source = ts.createSourceFile(file, fs.readFileSync(path.join(folder, file), "utf8"), ts.ScriptTarget.ES2021, true);
    source.forEachChild((node) => {
      const name = nameOf(node);
      const text = name === undefined ? "" : commentOf(node);
      if (text !== "") docs.set(name!, text);
    });
  }
  return docs;
}

function nameOf(node: ts.Node): string | undefined {
  if (ts.isInterfaceDeclaration(node)) return node.name.text;
  if (!ts.isVariableStatement(node)) return undefined;
  const [first] = node.declarationList.declarations;
  return first && ts.isIdentifier(first.name) ? first.name.text : undefined;
}

const commentOf = (node: ts.Node): string =>
  ts
    .getJSDocCommentsAndTags(node)
    .map((doc) => ts.getTextOfJSDocComment(doc.comment) ?? "")
    .join("\n")
    .trim();
