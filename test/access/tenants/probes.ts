/** Manifests that name what another tenant has. */
import {
  addBlob,
  addImage,
  addIndex,
  addManifest,
  createSampleRepository,
} from '../../../src/demo/sample-image.ts';
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';
import { json } from '../../support/upstream/fake-upstream.ts';
import { upstreamName } from '../../support/sync/stage.ts';
import type { Named } from '../support/tenants.ts';
import { ownNumber } from './secret-content.ts';
import type { Row } from './secret-content.ts';

/** Differs from place to place, as long each time: a tenant reuses what is its own. */
const ownSeed = () => `own-${ownNumber()}`;

const imageOf = (named: Named, change: Record<string, unknown> = {}) => ({
  schemaVersion: 2,
  mediaType: mediaTypes.ociManifest,
  config: named.config,
  layers: [named.layer, named.large],
  ...change,
});

export const rows: readonly Row[] = [
  {
    name: 'a child of an index',
    plant: (repository, { image }) => void addIndex(repository, { manifests: [image], tag: 'v1' }),
  },
  {
    name: 'an index below an index',
    plant: (repository, { index }) => void addIndex(repository, { manifests: [index], tag: 'v1' }),
  },
  {
    name: 'a digest that a filter names',
    plant: (repository) => void addImage(repository, { seed: ownSeed(), layers: [100], tag: 'v1' }),
    remoteOf: ({ index }) => ({ includeTags: ['v1', index.digest] }),
  },
  {
    name: 'the config and layers of an image',
    plant: (repository, named) => void addManifest(repository, imageOf(named), mediaTypes.ociManifest, 'v1'),
  },
  {
    name: 'a layer with a false size',
    plant: (repository, named) =>
      void addManifest(
        repository,
        imageOf(named, { layers: [{ ...named.layer, size: 7 }] }),
        mediaTypes.ociManifest,
        'v1',
      ),
  },
  {
    name: 'a config that has addresses, and that the upstream need not have',
    isOwnDocument: true,
    plant: (repository, named) => {
      const config = { ...named.config, urls: ['http://127.0.0.1:9/config'] };
      const own = addBlob(repository, Buffer.from(ownSeed()), mediaTypes.ociLayer);
      void addManifest(repository, imageOf(named, { config, layers: [own] }), mediaTypes.ociManifest, 'v1');
    },
  },
  {
    name: 'layers of an image that is synced on demand',
    remote: { policy: 'ON_DEMAND' },
    plant: (repository, { layer, large }) =>
      void addImage(repository, { seed: ownSeed(), layers: [layer, large], tag: 'v1' }),
  },
  {
    name: 'a layer with a false size, on demand',
    remote: { policy: 'ON_DEMAND' },
    plant: (repository, { large }) =>
      void addImage(repository, { seed: ownSeed(), layers: [{ ...large, size: 7 }], tag: 'v1' }),
  },
  {
    name: 'layers of an image that is streamed',
    remote: { policy: 'STREAMED' },
    plant: (repository, { layer, large }) =>
      void addImage(repository, { seed: ownSeed(), layers: [layer, large], tag: 'v1' }),
  },
  {
    name: 'a child of an index that is pulled through',
    pullThrough: true,
    plant: (repository, { image }) => void addIndex(repository, { manifests: [image], tag: 'v1' }),
  },
  {
    name: 'a digest that is pulled through',
    pullThrough: true,
    plant: (repository) => void addImage(repository, { seed: ownSeed(), layers: [100], tag: 'v1' }),
  },
  {
    name: 'layers of an image that is pulled through',
    pullThrough: true,
    plant: (repository, { config, layer, large }) =>
      void addManifest(
        repository,
        { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer, large] },
        mediaTypes.ociManifest,
        'v1',
      ),
  },
  {
    name: 'where a tag is said to have moved to',
    isSecond: true,
    plant: (repository) => void addImage(repository, { seed: ownSeed(), layers: [100], tag: 'v1' }),
    answer: ({ upstream }, { index }) =>
      upstream.on(`HEAD /v2/${upstreamName}/manifests/v1`, {
        headers: {
          'content-type': index.mediaType,
          'docker-content-digest': index.digest,
          'content-length': String(index.size),
        },
      }),
  },
  {
    name: 'what is said to refer to an image',
    plant: (repository) => void addImage(repository, { seed: ownSeed(), layers: [100], tag: 'v1' }),
    answer: ({ upstream }, { image }) => {
      const { digest } = addImage(createSampleRepository(), { seed: ownSeed(), layers: [100] });
      upstream.on(
        `GET /v2/${upstreamName}/referrers/${digest}`,
        json(
          { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [image] },
          { 'content-type': mediaTypes.ociIndex },
        ),
      );
    },
  },
];
