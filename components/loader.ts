// SPDX-License-Identifier: Apache-2.0
// The few lines that Node runs in the Pod: read the mounted bundle, prove that it is the one the Pod template names, run it from memory.
// A read-only file system is enough, and a changed ConfigMap cannot smuggle in other code.

/**
 * Arguments after it: file, SHA-256 of the file (hex), then the program's own. Changing this text rolls every installation, so it should not.
 * `process.mainModule` is set so that `require.main === module` holds in the bundle.
 */
export const LOADER = [
  `"use strict";`,
  `const [file,sha256,...rest]=process.argv.slice(1);`,
  `const data=require("node:fs").readFileSync(file);`,
  `const crypto=require("node:crypto");`,
  `const want=Buffer.from(sha256,"hex"),have=crypto.createHash("sha256").update(data).digest();`,
  `if(want.length!==have.length||!crypto.timingSafeEqual(want,have)){`,
  `console.error(JSON.stringify({level:"fatal",msg:"bundle does not have the expected hash",file,want:sha256,have:have.toString("hex")}));`,
  `process.exit(78)}`,
  `const Module=require("node:module"),name=file.endsWith(".br")?file.slice(0,-3):file,main=new Module(name);`,
  `main.filename=name;main.paths=[];process.mainModule=main;process.argv=[process.argv[0],name,...rest];`,
  `main._compile(require("node:zlib").brotliDecompressSync(data).toString("utf8"),name);`,
].join("");
