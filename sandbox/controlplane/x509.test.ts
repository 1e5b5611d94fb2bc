// SPDX-License-Identifier: Apache-2.0
// The certificates must satisfy a verifier that nobody here wrote: node's TLS (OpenSSL).
import { expect } from "chai";
import { X509Certificate, createPublicKey } from "node:crypto";
import { connect, createServer, type TLSSocket } from "node:tls";
import type { AddressInfo } from "node:net";
import { integer, oid, utcTime } from "./der";
import { createAuthority, signingKeyPair } from "./x509";

describe("certificates of the sandbox", () => {
  it("encodes identifiers, long integers and times as X.690 says", () => {
    expect(oid("1.2.840.10045.4.3.2").toString("hex")).to.equal("06082a8648ce3d040302");
    expect(integer(Buffer.from([0x00, 0x80])).toString("hex")).to.equal("02020080");
    expect(utcTime(new Date("2031-02-03T04:05:06Z")).subarray(2).toString()).to.equal("310203040506Z");
  });

  it("issues certificates that its authority's key verifies, with names, group and hosts", () => {
    const ca = createAuthority("sandbox-ca");
    const leaf = new X509Certificate(ca.issue({ commonName: "admin", organizations: ["system:masters"] }).certPem);
    const authority = new X509Certificate(ca.certPem);
    expect(authority.ca).to.equal(true);
    expect(leaf.ca).to.equal(false);
    expect(leaf.verify(authority.publicKey)).to.equal(true);
    expect(leaf.checkIssued(authority)).to.equal(true);
    expect(leaf.subject).to.equal("O=system:masters\nCN=admin");
    expect(leaf.verify(createPublicKey(signingKeyPair().publicPem))).to.equal(false);
  });

  it("serves mutual TLS to a client that trusts only that authority", async () => {
    const ca = createAuthority("sandbox-ca");
    const server = ca.issue({ commonName: "kube-apiserver", hosts: ["127.0.0.1", "localhost"] });
    const client = ca.issue({ commonName: "someone" });
    const seen: string[] = [];
    const listener = createServer(
      { cert: server.certPem, key: server.keyPem, ca: ca.certPem, requestCert: true, rejectUnauthorized: true },
      (socket: TLSSocket) => {
        seen.push(String(socket.getPeerCertificate().subject.CN));
        socket.end("hello");
      },
    );
    await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
    const { port } = listener.address() as AddressInfo;
    const text = await new Promise<string>((done, fail) => {
      const socket = connect({ host: "127.0.0.1", port, ca: ca.certPem, cert: client.certPem, key: client.keyPem });
      let received = "";
      socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
      socket.on("end", () => done(received)).on("error", fail);
    });
    listener.close();
    expect(text).to.equal("hello");
    expect(seen).to.deep.equal(["someone"]);
  });
});
