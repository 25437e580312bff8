/** A throw-away Sigstore: certificate authority, transparency log and certificate log, whose trusted root is a JSON text. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { der } from './der.ts';

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const newKey = (): KeyPair => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });
const sha256 = (...parts: readonly Buffer[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const base64 = (bytes: Buffer | string): string => Buffer.from(bytes).toString('base64');
const hours = (count: number): number => count * 3_600_000;

const ecdsaWithSha256 = der.sequence(der.oid('1.2.840.10045.4.3.2'));
const named = (name: string): Buffer =>
  der.sequence(der.set(der.sequence(der.oid('2.5.4.3'), der.utf8(name))));
const extension = (oid: string, value: Buffer, critical = false): Buffer =>
  der.sequence(der.oid(oid), ...(critical ? [der.boolean(true)] : []), der.octets(value));

interface CertificateWish {
  readonly subject: string;
  readonly key: KeyObject;
  readonly from: Date;
  readonly to: Date;
  readonly extensions: readonly Buffer[];
}

const tbsCertificate = (wish: CertificateWish): Buffer =>
  der.sequence(
    der.tagged(0, der.integer(2)),
    der.integer(7),
    ecdsaWithSha256,
    named('Test CA'),
    der.sequence(der.time(wish.from), der.time(wish.to)),
    named(wish.subject),
    spki(wish.key),
    der.tagged(3, der.sequence(...wish.extensions)),
  );

const certificate = (wish: CertificateWish, issuer: KeyObject): Buffer => {
  const tbs = tbsCertificate(wish);
  return der.sequence(tbs, ecdsaWithSha256, der.bits(sign('sha256', tbs, issuer)));
};

const uint = (value: number | bigint, bytes: number): Buffer =>
  Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex');

export interface SignWish {
  readonly email?: string;
  readonly issuer?: string;
  /** When the log says that it took the entry; the certificate is valid from an hour before `certifiedAt` to an hour after. */
  readonly loggedAt?: Date;
  readonly certifiedAt?: Date;
}

const defaults = { email: 'builder@acme.test', issuer: 'https://accounts.acme.test' };

const logId = (pair: KeyPair): Buffer => sha256(spki(pair.publicKey));

export type SigstoreWorld = ReturnType<typeof createSigstoreWorld>;

export function createSigstoreWorld() {
  const authority = newKey();
  const log = newKey();
  const certificateLog = newKey();
  const started = new Date(Date.now() - hours(10_000));
  const root = certificate(
    {
      subject: 'Test CA',
      key: authority.publicKey,
      from: started,
      to: new Date(Date.now() + hours(10_000)),
      extensions: [
        extension('2.5.29.19', der.sequence(der.boolean(true)), true),
        extension('2.5.29.15', der.bits(Buffer.from([0x06])), true),
      ],
    },
    authority.privateKey,
  );

  function certify(key: KeyObject, { email, issuer, certifiedAt = new Date() }: SignWish): Buffer {
    const wish = {
      subject: 'leaf',
      key,
      from: new Date(certifiedAt.getTime() - hours(1)),
      to: new Date(certifiedAt.getTime() + hours(1)),
      extensions: [
        extension('2.5.29.17', der.sequence(alternativeName(email ?? defaults.email)), true),
        extension('1.3.6.1.4.1.57264.1.8', der.utf8(issuer ?? defaults.issuer)),
      ],
    };
    // RFC 6962 section 3.2: what the certificate log signs is the certificate without its promise
    const tbs = tbsCertificate(wish);
    const timestamp = uint(BigInt(certifiedAt.getTime()), 8);
    const preCertificate = Buffer.concat([sha256(spki(authority.publicKey)), uint(tbs.byteLength, 3), tbs]);
    const signed = Buffer.concat([uint(0, 2), timestamp, uint(1, 2), preCertificate, uint(0, 2)]);
    const signature = sign('sha256', signed, certificateLog.privateKey);
    const promise = Buffer.concat([
      uint(0, 1),
      logId(certificateLog),
      timestamp,
      uint(0, 2),
      Buffer.from([4, 3]),
      uint(signature.byteLength, 2),
      signature,
    ]);
    const list = Buffer.concat([uint(promise.byteLength + 2, 2), uint(promise.byteLength, 2), promise]);
    const extensions = [...wish.extensions, extension('1.3.6.1.4.1.11129.2.4.2', der.octets(list))];
    return certificate({ ...wish, extensions }, authority.privateKey);
  }

  /** An entry of the log with its promise, and the proof of a log that has this entry alone. */
  function logEntry(body: object, loggedAt: Date) {
    const canonicalizedBody = Buffer.from(JSON.stringify(body));
    const integratedTime = Math.floor(loggedAt.getTime() / 1000);
    const promise = {
      body: base64(canonicalizedBody),
      integratedTime,
      logID: logId(log).toString('hex'),
      logIndex: 0,
    };
    const rootHash = sha256(Buffer.from([0]), canonicalizedBody);
    const note = `log.test\n1\n${base64(rootHash)}\n`;
    const noteSignature = Buffer.concat([
      logId(log).subarray(0, 4),
      sign('sha256', Buffer.from(note), log.privateKey),
    ]);
    return {
      promise,
      signedEntryTimestamp: base64(sign('sha256', Buffer.from(JSON.stringify(promise)), log.privateKey)),
      proof: {
        logIndex: '0',
        rootHash: base64(rootHash),
        treeSize: '1',
        hashes: [],
        checkpoint: { envelope: `${note}\n\u2014 log.test ${base64(noteSignature)}\n` },
      },
    };
  }

  const instance = (pair: KeyPair) => ({
    baseUrl: 'https://log.test',
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: base64(spki(pair.publicKey)),
      keyDetails: 'PKIX_ECDSA_P256_SHA_256',
      validFor: { start: started.toISOString() },
    },
    logId: { keyId: base64(logId(pair)) },
  });

  return {
    identity: { issuer: defaults.issuer, subject: defaults.email },

    trustedRoot: JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [instance(log)],
      certificateAuthorities: [
        {
          subject: { organization: 'test', commonName: 'Test CA' },
          uri: 'https://ca.test',
          certChain: { certificates: [{ rawBytes: base64(root) }] },
          validFor: { start: started.toISOString() },
        },
      ],
      ctlogs: [instance(certificateLog)],
      timestampAuthorities: [],
    }),

    /** The annotations that cosign 2 writes for a payload. */
    signLayer(payload: Buffer, wish: SignWish = {}): Record<string, string> {
      const { publicKey, privateKey } = newKey();
      const leaf = pem('CERTIFICATE', certify(publicKey, wish));
      const signature = base64(sign('sha256', payload, privateKey));
      const body = {
        apiVersion: '0.0.1',
        kind: 'hashedrekord',
        spec: {
          data: { hash: { algorithm: 'sha256', value: sha256(payload).toString('hex') } },
          signature: { content: signature, publicKey: { content: base64(leaf) } },
        },
      };
      const { promise, signedEntryTimestamp } = logEntry(body, wish.loggedAt ?? new Date());
      return {
        'dev.cosignproject.cosign/signature': signature,
        'dev.sigstore.cosign/certificate': leaf,
        'dev.sigstore.cosign/chain': pem('CERTIFICATE', root),
        'dev.sigstore.cosign/bundle': JSON.stringify({
          SignedEntryTimestamp: signedEntryTimestamp,
          Payload: promise,
        }),
      };
    },

    /** The bundle that cosign 3 writes. */
    signStatement(statement: object, wish: SignWish = {}): string {
      const { publicKey, privateKey } = newKey();
      const leaf = certify(publicKey, wish);
      const payload = Buffer.from(JSON.stringify(statement));
      const type = 'application/vnd.in-toto+json';
      const encoding = `DSSEv1 ${type.length} ${type} ${payload.byteLength} `;
      const signature = base64(sign('sha256', Buffer.concat([Buffer.from(encoding), payload]), privateKey));
      const body = {
        apiVersion: '0.0.1',
        kind: 'dsse',
        spec: {
          payloadHash: { algorithm: 'sha256', value: sha256(payload).toString('hex') },
          signatures: [{ signature, verifier: base64(pem('CERTIFICATE', leaf)) }],
        },
      };
      const { promise, signedEntryTimestamp, proof } = logEntry(body, wish.loggedAt ?? new Date());
      return JSON.stringify({
        mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        verificationMaterial: {
          certificate: { rawBytes: base64(leaf) },
          tlogEntries: [
            {
              logIndex: '0',
              logId: { keyId: base64(logId(log)) },
              kindVersion: { kind: 'dsse', version: '0.0.1' },
              integratedTime: String(promise.integratedTime),
              inclusionPromise: { signedEntryTimestamp },
              inclusionProof: proof,
              canonicalizedBody: promise.body,
            },
          ],
        },
        dsseEnvelope: { payload: base64(payload), payloadType: type, signatures: [{ sig: signature }] },
      });
    },
  };
}

/** RFC 5280, GeneralName: [6] for a URI, [1] for an email address. */
function alternativeName(name: string): Buffer {
  return der.implicit(name.includes('://') ? 6 : 1, Buffer.from(name));
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
