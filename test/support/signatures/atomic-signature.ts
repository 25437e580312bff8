import { createCleartextMessage, createMessage, generateKey, readPrivateKey, sign } from 'openpgp';

/** What `skopeo standalone-sign` and `podman push --sign-by` write: a signed OpenPGP message with a JSON payload. */
export async function createSigner(): Promise<Signer> {
  const { privateKey, publicKey } = await generateKey({ userIDs: [{ name: 'test' }], format: 'armored' });
  const signingKeys = await readPrivateKey({ armoredKey: privateKey });
  return {
    publicKey,
    keyId: signingKeys.getKeyID().toHex().toUpperCase(),
    async sign(payload) {
      const message = await createMessage({ binary: Buffer.from(JSON.stringify(payload)) });
      return Buffer.from(await sign({ message, signingKeys, format: 'binary' }));
    },
    async signText(text) {
      return Buffer.from(await sign({ message: await createCleartextMessage({ text }), signingKeys }));
    },
  };
}

export interface Signer {
  /** ASCII-armoured. */
  readonly publicKey: string;
  readonly keyId: string;
  sign(payload: unknown): Promise<Buffer>;
  signText(text: string): Promise<Buffer>;
}

export function atomicPayload(digest: string, optional: object = {}): object {
  return {
    critical: {
      identity: { 'docker-reference': 'registry.example/library/app:v1' },
      image: { 'docker-manifest-digest': digest },
      type: 'atomic container signature',
    },
    optional,
  };
}
