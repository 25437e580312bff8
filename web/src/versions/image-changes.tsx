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
  const configs = [useConfig(old.blobs), useConfig(now.blobs)] as const;
  const [layersBefore, layersAfter] = [old, now].map(({ blobs }) => blobs.filter((blob) => !isConfig(blob)));
  const { common, added, removed } = compareLayers(layersBefore ?? [], layersAfter ?? []);
  return (
    <>
      <Group gap="lg" mb="sm">
        <Text size="sm">
          <b>{formatBytes(sizeOf(added))}</b> in added layers, <b>{formatBytes(sizeOf(removed))}</b> in
          removed layers
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
      <SettingChanges configs={configs} />
    </>
  );
}

/** Undefined while it is read; null if it cannot be read. */
type Config = string | null | undefined;

function SettingChanges({ configs: [before, after] }: { readonly configs: readonly [Config, Config] }) {
  if (before === null || after === null)
    return <Remark>A config is not stored or cannot be read, so settings are not compared.</Remark>;
  if (before === undefined || after === undefined) return <Remark>Loading the configs …</Remark>;
  const settings = compareConfigs(before, after);
  if (settings.length === 0) return <Remark>No setting differs.</Remark>;
  return (
    <div className={classes.list} role="list" tabIndex={0} aria-label="Settings that differ">
      {settings.map(({ name, before: was, after: is }) => (
        <div key={name} className={classes.setting} role="listitem">
          <span>{name}</span>
          <span>{was === undefined ? 'absent' : <del>{was}</del>}</span>
          <span>{is === undefined ? 'absent' : <ins>{is}</ins>}</span>
        </div>
      ))}
    </div>
  );
}

function Remark({ children }: { readonly children: string }) {
  return (
    <Text size="sm" c="dimmed">
      {children}
    </Text>
  );
}

function useConfig(blobs: Blobs): Config {
  const id = blobs.find(isConfig)?.id;
  const [{ data, error }] = useQuery({
    query: BlobTextQuery,
    variables: { id: id ?? '' },
    pause: id === undefined,
  });
  if (id === undefined || error !== undefined) return null;
  if (data === undefined) return undefined;
  return data.node?.__typename === 'Blob' ? data.node.text : null;
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
