import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import { addArtifact } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';
import { json } from '../upstream/fake-upstream.ts';
import type { Answer, CannedAnswer } from '../upstream/fake-upstream.ts';
import { sampleAnswers } from '../upstream/sample-answers.ts';

/* Signatures as cosign lays them out, of samples: the layout is right, what is signed is not. */

export const cosignType = 'application/vnd.dev.cosign.artifact.sig.v1+json';
export const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** `sha256-<hex><suffix>` */
export function companionName({ digest }: { readonly digest: string }, suffix = ''): string {
  return `${digest.replace(':', '-')}${suffix}`;
}

/** A manifest as cosign 2 pushes it, under its tag; it has no subject. */
export function signByTag(
  repository: SampleRepository,
  image: Descriptor,
  options: { readonly suffix?: '.sig' | '.att' | '.sbom'; readonly seed?: string } = {},
): Descriptor {
  const { suffix = '.sig', seed = 'one' } = options;
  return addArtifact(repository, {
    seed: `${image.digest}${suffix}${seed}`,
    configMediaType: mediaTypes.ociConfig,
    layers: [{ mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json', sizeBytes: 230 }],
    tag: companionName(image, suffix),
  });
}

/** A manifest with a subject, as cosign 3 pushes a signature. */
export function signByReferrer(repository: SampleRepository, image: Descriptor, seed = 'one'): Descriptor {
  return addArtifact(repository, {
    seed: `${image.digest}-referrer-${seed}`,
    artifactType: bundleType,
    layers: [{ mediaType: bundleType, sizeBytes: 400 }],
    subject: withoutPlatform(image),
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': 'https://sigstore.dev/cosign/sign/v1',
    },
  });
}

/** A referrer that is no signature. */
export function attach(repository: SampleRepository, image: Descriptor, artifactType: string): Descriptor {
  return addArtifact(repository, {
    seed: `${image.digest}-${artifactType}`,
    artifactType,
    layers: [{ mediaType: 'application/spdx+json', sizeBytes: 500 }],
    subject: withoutPlatform(image),
  });
}

function withoutPlatform({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

export function referrersOf(repository: SampleRepository, subject: string): Descriptor[] {
  return [...repository.manifests.values()].flatMap(({ digest, mediaType, bytes }) => {
    const document = JSON.parse(String(bytes)) as { readonly subject?: { readonly digest: string } };
    return document.subject?.digest === subject ? [{ digest, mediaType, size: bytes.length }] : [];
  });
}

/** A registry with the referrers API. */
export function answersWithReferrers(repository: SampleRepository): Answer {
  const others = sampleAnswers(repository);
  return async (request, response) => {
    const [, subject] = /\/referrers\/([^/?]+)/.exec(request.url ?? '') ?? [];
    if (subject === undefined) {
      if (typeof others === 'function') await others(request, response);
      return;
    }
    const { headers, body } = referrersIndex(referrersOf(repository, subject));
    response.writeHead(200, { ...headers }).end(body);
  };
}

export function referrersIndex(
  manifests: readonly object[],
  headers: CannedAnswer['headers'] = {},
): CannedAnswer {
  return json(
    { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests },
    { 'content-type': mediaTypes.ociIndex, ...headers },
  );
}

/** Takes a manifest away, and the tags on it. */
export function removeManifest(repository: SampleRepository, { digest }: { readonly digest: Digest }): void {
  repository.manifests.delete(digest);
  for (const [tag, target] of repository.tags) if (target === digest) repository.tags.delete(tag);
}
