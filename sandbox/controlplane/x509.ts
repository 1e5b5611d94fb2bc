// SPDX-License-Identifier: Apache-2.0
// Throw-away certificates for the local API server, made with node:crypto alone (ECDSA P-256, RFC 5280): no openssl needed and
// a few milliseconds for the whole set. Not for anything that leaves this machine.
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { isIPv4 } from "node:net";
import { bits, boolean, implicit, integer, octets, oid, sequence, set, tagged, tlv, utcTime, utf8 } from "./der";

export interface Identity {
  certPem: string;
  keyPem: string;
}

export interface Authority extends Identity {
  /** Makes a certificate that this authority vouches for. */
  issue(request: CertificateRequest): Identity;
}

export interface CertificateRequest {
  commonName: string;
  organizations?: string[];
  /** IPv4 addresses and DNS names the certificate is for: makes it a server's. Without it the certificate is a client's. */
  hosts?: string[];
}

const DAY_MS = 86_400_000;
const OIDS = {
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyId: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
};

interface KeyPair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

/** A fresh certificate authority, valid from an hour ago for a year. */
export function createAuthority(commonName: string, now = new Date()): Authority {
  const key = newKey();
  const name = distinguishedName({ commonName });
  const caExtensions = [
    extension(OIDS.basicConstraints, sequence(boolean(true)), true),
    extension(OIDS.keyUsage, bits(Buffer.from([0x06]), 1), true), // certificate and CRL signing
    extension(OIDS.subjectKeyId, octets(keyId(key.publicKey))),
  ];
  const certPem = certificate({
    subject: name,
    issuer: name,
    subjectKey: key.publicKey,
    signer: key,
    extensions: caExtensions,
    now,
  });
  return {
    certPem,
    keyPem: privatePem(key.privateKey),
    issue(request) {
      const own = newKey();
      const extensions = [
        extension(OIDS.basicConstraints, sequence(), true),
        extension(OIDS.keyUsage, bits(Buffer.from([0x80]), 7), true), // digital signature
        extension(OIDS.extendedKeyUsage, sequence(oid(request.hosts ? OIDS.serverAuth : OIDS.clientAuth))),
        extension(OIDS.subjectKeyId, octets(keyId(own.publicKey))),
        extension(OIDS.authorityKeyId, sequence(implicit(0, keyId(key.publicKey)))),
        ...(request.hosts ? [extension(OIDS.subjectAltName, sequence(...request.hosts.map(altName)))] : []),
      ];
      const subject = distinguishedName(request);
      const pem = certificate({ subject, issuer: name, subjectKey: own.publicKey, signer: key, extensions, now });
      return { certPem: pem, keyPem: privatePem(own.privateKey) };
    },
  };
}

/** A key pair for signing service-account tokens, PEM. */
export function signingKeyPair(): { privatePem: string; publicPem: string } {
  const { publicKey, privateKey } = newKey();
  return {
    privatePem: privatePem(privateKey),
    publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

interface CertificateParts {
  subject: Buffer;
  issuer: Buffer;
  subjectKey: KeyObject;
  signer: KeyPair;
  extensions: Buffer[];
  now: Date;
}

function certificate(parts: CertificateParts): string {
  const algorithm = sequence(oid(OIDS.ecdsaWithSha256));
  const validity = sequence(
    utcTime(new Date(parts.now.getTime() - 3_600_000)),
    utcTime(new Date(parts.now.getTime() + 365 * DAY_MS)),
  );
  const toBeSigned = sequence(
    tagged(0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    parts.issuer,
    validity,
    parts.subject,
    parts.subjectKey.export({ type: "spki", format: "der" }),
    tagged(3, sequence(...parts.extensions)),
  );
  const signature = sign("sha256", toBeSigned, parts.signer.privateKey);
  const der = sequence(toBeSigned, algorithm, bits(signature));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function newKey(): KeyPair {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function privatePem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

function distinguishedName(request: Pick<CertificateRequest, "commonName" | "organizations">): Buffer {
  const part = (type: string, value: string): Buffer => set(sequence(oid(type), utf8(value)));
  const organizations = (request.organizations ?? []).map((name) => part(OIDS.organization, name));
  return sequence(...organizations, part(OIDS.commonName, request.commonName));
}

function extension(type: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(type), ...(critical ? [boolean(true)] : []), octets(value));
}

/** RFC 5280 4.2.1.2: SHA-1 of the public key's bits. Strict verifiers (newer Python) want it. */
function keyId(key: KeyObject): Buffer {
  const jwk = key.export({ format: "jwk" });
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(jwk.x ?? "", "base64url"), Buffer.from(jwk.y ?? "", "base64url")]);
  return createHash("sha1").update(point).digest();
}

function altName(host: string): Buffer {
  if (isIPv4(host)) return tlv(0x87, Buffer.from(host.split(".").map(Number)));
  return tlv(0x82, Buffer.from(host, "ascii"));
}
