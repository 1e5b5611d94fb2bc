// SPDX-License-Identifier: Apache-2.0
// The batch endpoint, with the bare line feeds that gcloud sends.
import { asText } from "./text";
import { expect } from "chai";
import type { Emulator } from "./index";
import { startEmulator } from "./index";
import { testClient } from "./test-client";

const PATH = "/compute/v1/projects/p1/regions/us-central1/addresses";

function part(id: string, request: string, body = ""): string {
  return `--b=1\nContent-Type: application/http\nMIME-Version: 1.0\nContent-ID: <u+${id}>\n\n${request} HTTP/1.1\nHost: 127.0.0.1\ncontent-length: ${body.length}\n\n${body}\n`;
}

describe("batch endpoint", () => {
  let emulator: Emulator;

  beforeEach(async () => {
    emulator = await startEmulator({ project: "p1", operationLatencyMs: 0 });
  });
  afterEach(() => emulator.close());

  const send = (body: string, contentType = 'multipart/mixed; boundary="b=1"') =>
    testClient(emulator).raw("POST", "batch/compute/v1", body, { "content-type": contentType });

  it("answers part by part under the part's id; an error in one does not stop the others", async () => {
    const body =
      part("1", `POST ${PATH}?alt=json`, '{"name": "a"}') +
      part("2", `GET ${PATH}/none?alt=json`) +
      part("3", `POST ${PATH}?alt=json`, '{"name": "b"}');
    const answer = await send(`${body}--b=1--\n`);
    expect(answer.status).to.equal(200);
    expect(answer.headers.get("content-type")).to.match(/^multipart\/mixed; boundary=batch_/);
    const parts = asText(answer.body.text)
      .split(/--batch_[-0-9a-f]+/)
      .slice(1, -1);
    const heads = parts.map((text) => [/Content-ID: (.*)\r\n/.exec(text)?.[1], /HTTP\/1\.1 (\d+)/.exec(text)?.[1]]);
    expect(heads).to.deep.equal([
      ["<response-u+1>", "200"],
      ["<response-u+2>", "404"],
      ["<response-u+3>", "200"],
    ]);
    expect(parts[1]).to.contain('"reason": "notFound"');
    expect(emulator.list("addresses").map((a) => a.name)).to.deep.equal(["a", "b"]);
  });

  it("is logged whole, and each part singly", async () => {
    await send(`${part("1", `GET ${PATH}?alt=json&maxResults=500`)}--b=1--\n`);
    expect(emulator.log.map((e) => [e.methodId, e.via])).to.deep.equal([
      ["compute.addresses.list", "batch"],
      ["batch", undefined],
    ]);
    expect(emulator.log[1]?.parts?.[0]?.query).to.deep.equal({ alt: "json", maxResults: "500" });
  });

  it("refuses a body without boundary and a part that is no request", async () => {
    expect((await send("x", "multipart/mixed")).reason).to.equal("parseError");
    expect((await send("--b=1\nContent-ID: <1>\n\nnonsense\n\n\n--b=1--\n")).message).to.contain("nonsense");
  });

  it("is cut as a whole when a fault cuts one part", async () => {
    emulator.faults.add({ methodId: "compute.addresses.list", kind: "resetBefore" });
    const failure = await send(`${part("1", `GET ${PATH}`)}--b=1--\n`).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(Error);
  });
});
