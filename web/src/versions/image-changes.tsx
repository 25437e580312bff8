import { Group, Text } from '@mantine/core';
import { useQuery } from 'urql';
import { formatBytes } from '../../../src/cli/progress/format.ts';
import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf, ResultOf } from '../graphql/graphql.ts';
import { Digest } from '../shared/digest.tsx';
import { BlobTextQuery } from '../tags/blob-query.ts';
import { shortType } from '../tags/manifest-text.ts';
import { compareConfigs, compareLayers, sizeOf } from './compare-images.ts';
import classes from './versions.module.css';

export const ComparedImageFragment = graphql(`
  fragment ComparedImage on Manifest {
    id
    blobs {
      id
      digest
      sizeBytes
      mediaType
    }
  }
`);

type Blobs = ResultOf<typeof ComparedImageFragment>['blobs'];

const isConfig = ({ mediaType }: Blobs[number]) => shortType(mediaType ?? '') === 'config';

interface Props {
  readonly from: FragmentOf<typeof ComparedImageFragment>;
  readonly to: FragmentOf<typeof ComparedImageFragment>;
}

/** Layers in common, layers of one image only, and the settings that differ. */
export function ImageChanges({ from, to }: Props) {
  const [old, now] = [readFragment(ComparedImageFragment, from), readFragment(ComparedImageFragment, to)];
  const [before, after] = [useConfig(old.blobs), useConfig(now.blobs)];
  const [layersBefore, layersAfter] = [old, now].map(({ blobs }) => blobs.filter((blob) => !isConfig(blob)));
  const { common, added, removed } = compareLayers(layersBefore ?? [], layersAfter ?? []);
  const settings = before === undefined || after === undefined ? [] : compareConfigs(before, after);
  return (
    <>
      <Group gap="lg" mb="sm">
        <Text size="sm">
          <b>{formatBytes(sizeOf(added))}</b> come, <b>{formatBytes(sizeOf(removed))}</b> go
        </Text>
        <Text size="sm" c="dimmed">
          layers in common: {common.length.toLocaleString()}, {formatBytes(sizeOf(common))}
        </Text>
      </Group>
      <div className={classes.columns}>
        <LayerList word="added" layers={added} />
        <LayerList word="removed" layers={removed} />
      </div>
      <Text component="h2" size="sm" fw={600} mt="md" mb={6}>
        Config
      </Text>
      {settings.length === 0 ? (
        <Text size="sm" c="dimmed">
          No setting differs.
        </Text>
      ) : (
        <div className={classes.list} role="list" tabIndex={0} aria-label="Settings that differ">
          {settings.map(({ name, before: was, after: is }) => (
            <div key={name} className={classes.setting} role="listitem">
              <span>{name}</span>
              <span>{was === undefined ? 'absent' : <del>{was}</del>}</span>
              <span>{is === undefined ? 'absent' : <ins>{is}</ins>}</span>
            </div>
          ))}
        </div>
      )}
    </>
  );
}

/** The text of an image's config; undefined until it is read, "" where there is none. */
function useConfig(blobs: Blobs): string | undefined {
  const id = blobs.find(isConfig)?.id;
  const [{ data }] = useQuery({
    query: BlobTextQuery,
    variables: { id: id ?? '' },
    pause: id === undefined,
  });
  if (id === undefined) return '';
  if (data === undefined) return undefined;
  return data.node?.__typename === 'Blob' ? (data.node.text ?? '') : '';
}

function LayerList({
  word,
  layers,
}: {
  readonly word: 'added' | 'removed';
  readonly layers: readonly Blobs[number][];
}) {
  if (layers.length === 0) return null;
  return (
    <section aria-label={`${layers.length} layers ${word}`}>
      <Text size="sm" fw={600} mb={6}>
        <span className={classes.kind} data-kind={word}>
          {word}
        </span>
        {layers.length.toLocaleString()} layers
      </Text>
      <div className={classes.list} role="list" tabIndex={0} aria-label={`Layers ${word}`}>
        {layers.map(({ id, digest, sizeBytes }) => (
          <div key={id} className={classes.change} role="listitem">
            <Digest value={digest} />
            <span>{formatBytes(sizeBytes)}</span>
          </div>
        ))}
      </div>
    </section>
  );
}
