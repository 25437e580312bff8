import { ActionIcon, Group, SegmentedControl, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useQuery } from 'urql';
import { IconHistory, IconX } from '../frame/icons.ts';
import { graphql } from '../graphql/graphql.ts';
import { Digest } from '../shared/digest.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { ManifestContent, ManifestContentFragment } from './manifest-content.tsx';
import classes from './tags.module.css';

const TagQuery = graphql(
  `
    query Tag($name: String!, $version: Int!, $tag: String!) {
      repository(name: $name) {
        id
        version(number: $version) {
          id
          tag(name: $tag) {
            id
            digest
            manifest {
              id
              ...ManifestContent
              manifests {
                id
                digest
                platform
                ...ManifestContent
              }
            }
          }
        }
      }
    }
  `,
  [ManifestContentFragment],
);

interface Props {
  readonly name: string;
  readonly version: number;
  readonly tag: string;
  readonly onClose: () => void;
}

/** A tag's manifest: the index, and the image of each platform. */
export function TagPanel({ name, version, tag, onClose }: Props) {
  const [{ data, error }] = useQuery({ query: TagQuery, variables: { name, version, tag } });
  const [chosen, setChosen] = useState('index');
  const found = data?.repository?.version?.tag;
  const children = found?.manifest.manifests ?? [];
  const child = children.find(({ digest }) => digest === chosen);
  return (
    <aside
      className={classes.panel}
      aria-label={`Manifest of ${tag}`}
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
    >
      <Head name={name} tag={tag} onClose={onClose} />
      <Problem error={error} />
      {data === undefined && error === undefined ? <RowsSkeleton rows={8} /> : null}
      {found === null ? (
        <Text c="dimmed">
          Version {version} has no tag “{tag}”.
        </Text>
      ) : null}
      {found == null ? null : (
        <>
          <Text size="sm" mb="sm">
            <Digest value={found.digest} />
          </Text>
          {children.length > 0 ? (
            <SegmentedControl
              size="xs"
              fullWidth
              mb="sm"
              aria-label="Manifest"
              value={child === undefined ? 'index' : chosen}
              onChange={setChosen}
              data={[
                { value: 'index', label: 'Index' },
                ...children.slice(0, 6).map((each) => ({
                  value: each.digest,
                  label: each.platform?.replace(/^linux\//, '') ?? 'artifact',
                })),
              ]}
            />
          ) : null}
          <ManifestContent manifest={child ?? found.manifest} />
        </>
      )}
    </aside>
  );
}

function Head({ name, tag, onClose }: Omit<Props, 'version'>) {
  return (
    <Group justify="space-between" wrap="nowrap" gap="xs" mb={4}>
      <Title order={2} size="h4" className={classes.panelTitle}>
        {tag}
      </Title>
      <Group gap={2} wrap="nowrap">
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={`History of ${tag}`}
          renderRoot={(props) => (
            <Link
              to="/repositories/$"
              params={{ _splat: name }}
              search={{ tab: 'history', tag }}
              {...props}
            />
          )}
        >
          <IconHistory size={18} />
        </ActionIcon>
        <ActionIcon variant="subtle" color="gray" aria-label="Close the manifest" onClick={onClose}>
          <IconX size={18} />
        </ActionIcon>
      </Group>
    </Group>
  );
}
