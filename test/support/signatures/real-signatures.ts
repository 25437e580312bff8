/** Signatures that verify, of sample images: as cosign makes them with a key, from node:crypto. */
import { generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { addBlob, addManifest } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';
import { companionName } from './signed-sample.ts';

export interface CosignKey {
  /** cosign.pub */
  readonly pem: string;
  readonly privateKey: KeyObject;
}

export function createCosignKey(): CosignKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(), privateKey };
}

interface Signed {
  readonly image: Pick<Descriptor, 'digest' | 'mediaType' | 'size'>;
  readonly key: CosignKey;
  /** The digest that the payload names; default the image's. */
  readonly claims?: string;
}

/** As `cosign sign --key` of version 2: a manifest under the tag `sha256-<hex>.sig`. */
export function signWithTag(repository: SampleRepository, { image, key, claims }: Signed): Descriptor {
  const payload = Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': 'registry.example/app' },
        image: { 'docker-manifest-digest': claims ?? image.digest },
        type: 'cosign container image signature',
      },
      optional: null,
    }),
  );
  const layer = {
    ...addBlob(repository, payload, 'application/vnd.dev.cosign.simplesigning.v1+json'),
    annotations: {
      'dev.cosignproject.cosign/signature': sign('sha256', payload, key.privateKey).toString('base64'),
    },
  };
  const config = addBlob(repository, Buffer.from(`{"signs":"${image.digest}"}`), mediaTypes.ociConfig);
  const document = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] };
  return addManifest(repository, document, mediaTypes.ociManifest, companionName(image, '.sig'));
}

/** As `cosign sign --key` of version 3: a bundle that refers to the image. */
export function signWithBundle(repository: SampleRepository, { image, key, claims }: Signed): Descriptor {
  const payload = Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ digest: { sha256: (claims ?? image.digest).slice('sha256:'.length) } }],
      predicateType: 'https://sigstore.dev/cosign/sign/v1',
      predicate: {},
    }),
  );
  const type = 'application/vnd.in-toto+json';
  const encoded = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]);
  const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
  const bundle = {
    mediaType: bundleType,
    verificationMaterial: { publicKey: { hint: '' } },
    dsseEnvelope: {
      payload: payload.toString('base64'),
      payloadType: type,
      signatures: [{ sig: sign('sha256', encoded, key.privateKey).toString('base64') }],
    },
  };
  const { mediaType, digest, size } = image;
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType: bundleType,
    config: addBlob(repository, Buffer.from('{}'), mediaTypes.ociEmpty),
    layers: [addBlob(repository, Buffer.from(JSON.stringify(bundle)), bundleType)],
    subject: { mediaType, digest, size },
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': 'https://sigstore.dev/cosign/sign/v1',
    },
  };
  return addManifest(repository, document, mediaTypes.ociManifest);
}
