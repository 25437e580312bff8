import type { Descriptor } from '../oci/manifest/descriptor.ts';
import {
  addArtifact,
  addImage,
  addIndex,
  addLayer,
  createSampleRepository,
  moveTag,
  removeTag,
} from './sample-image.ts';
import type { SampleFormat, SampleRepository } from './sample-image.ts';

/** The repository of `npm run demo`. */
export const demoRepositoryName = 'demo/shop';

const kib = 1024;
const architectures = ['amd64', 'arm64'] as const;

/**
 * The repository `demo/shop`, some 20 MB: `1.0` (OCI index of two platforms, with an SBOM that refers to it), `1.1` (Docker
 * manifest list of two platforms), `latest` (the same), `tools` (Docker image), `debug` (OCI image), `chart` (Helm chart).
 * All images share the base layers.
 */
export function buildDemoContent(): SampleRepository {
  const repository = createSampleRepository();
  const first = addRelease(repository, '1.0', 'oci');
  addArtifact(repository, {
    seed: 'shop-1.0-sbom',
    artifactType: 'application/spdx+json',
    layers: [{ mediaType: 'application/spdx+json', sizeBytes: 40 * kib }],
    subject: first,
  });
  moveTag(repository, 'latest', addRelease(repository, '1.1', 'docker'));
  addImage(repository, {
    seed: 'shop-tools',
    layers: [addBase(repository, 'amd64'), 2500 * kib],
    format: 'docker',
    tag: 'tools',
  });
  addImage(repository, {
    seed: 'shop-debug',
    layers: [addBase(repository, 'amd64'), 2500 * kib],
    tag: 'debug',
  });
  addArtifact(repository, {
    seed: 'shop-chart',
    configMediaType: 'application/vnd.cncf.helm.config.v1+json',
    layers: [{ mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip', sizeBytes: 24 * kib }],
    tag: 'chart',
  });
  return repository;
}

/** The changes of `changeDemoContent`, by tag name. */
export interface DemoChange {
  readonly added: string;
  readonly moved: string;
  readonly removed: string;
}

/** The change before the demo's second sync: adds `1.2`, moves `latest` to it, removes `1.0`. */
export function changeDemoContent(repository: SampleRepository): DemoChange {
  moveTag(repository, 'latest', addRelease(repository, '1.2', 'oci'));
  removeTag(repository, '1.0');
  return { added: '1.2', moved: 'latest', removed: '1.0' };
}

function addRelease(repository: SampleRepository, version: string, format: SampleFormat): Descriptor {
  const manifests = architectures.map((architecture) =>
    addImage(repository, {
      seed: `shop-${version}-${architecture}`,
      layers: [addBase(repository, architecture), 1500 * kib, 60 * kib],
      format,
      platform:
        architecture === 'arm64'
          ? { os: 'linux', architecture, variant: 'v8' }
          : { os: 'linux', architecture },
    }),
  );
  return addIndex(repository, { manifests, format, tag: version });
}

function addBase(repository: SampleRepository, architecture: string): Descriptor {
  return addLayer(repository, `shop-base-${architecture}`, 4000 * kib);
}
