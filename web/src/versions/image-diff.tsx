import { Select, Text } from '@mantine/core';
import { useState } from 'react';
import { useQuery } from 'urql';
import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf, ResultOf } from '../graphql/graphql.ts';
import { Digest } from '../shared/digest.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { ComparedImageFragment, ImageChanges } from './image-changes.tsx';
import classes from './versions.module.css';

const ComparedTagFragment = graphql(
  `
    fragment ComparedTag on Tag {
      id
      name
      digest
      manifest {
        id
        platform
        ...ComparedImage
        manifests {
          id
          platform
          ...ComparedImage
        }
      }
    }
  `,
  [ComparedImageFragment],
);

const ImageDiffQuery = graphql(
  `
    query ImageDiff($name: String!, $from: Int!, $to: Int!, $tag: String!, $other: String!) {
      repository(name: $name) {
        id
        before: version(number: $from) {
          id
          tag(name: $tag) {
            ...ComparedTag
          }
        }
        after: version(number: $to) {
          id
          tag(name: $other) {
            ...ComparedTag
          }
        }
      }
    }
  `,
  [ComparedTagFragment],
);

interface Props {
  readonly name: string;
  readonly from: { readonly version: number; readonly tag: string };
  readonly to: { readonly version: number; readonly tag: string };
}

/** The difference between the images of two tags, a platform at a time. */
export function ImageDiff({ name, from, to }: Props) {
  const [{ data, error }] = useQuery({
    query: ImageDiffQuery,
    variables: { name, from: from.version, to: to.version, tag: from.tag, other: to.tag },
  });
  const [chosen, setChosen] = useState<string>();
  if (error !== undefined) return <Problem error={error} />;
  if (data === undefined) return <RowsSkeleton rows={6} />;
  const before = readFragment(ComparedTagFragment, data.repository?.before?.tag);
  const after = readFragment(ComparedTagFragment, data.repository?.after?.tag);
  if (before == null || after == null) {
    const { version, tag } = before == null ? from : to;
    return (
      <Text c="dimmed">
        Version {version} has no tag “{tag}”.
      </Text>
    );
  }
  if (before.digest === after.digest)
    return (
      <Text size="sm">
        Both are the same image: <Digest value={before.digest} />
      </Text>
    );
  const [old, now] = [imagesOf(before), imagesOf(after)];
  const platforms = [...old.keys()].filter((platform) => now.has(platform));
  const platform = platforms.find((each) => each === chosen) ?? platforms[0] ?? '';
  const [image, other] = [old.get(platform), now.get(platform)];
  return (
    <>
      <Text size="sm" mb="sm" component="div">
        <Digest value={before.digest} />
        <span className={classes.arrow}>→</span>
        <Digest value={after.digest} />
      </Text>
      {platforms.length > 1 ? (
        <Select
          size="xs"
          mb="sm"
          label="Platform"
          allowDeselect={false}
          value={platform}
          onChange={(value) => setChosen(value ?? undefined)}
          data={platforms}
        />
      ) : null}
      {image === undefined || other === undefined ? (
        <Text c="dimmed">The two have no platform in common.</Text>
      ) : (
        <ImageChanges key={platform} from={image} to={other} />
      )}
    </>
  );
}

type ComparedImage = FragmentOf<typeof ComparedImageFragment>;

/** The images of a tag by platform. */
function imagesOf({ manifest }: ResultOf<typeof ComparedTagFragment>): ReadonlyMap<string, ComparedImage> {
  const images = manifest.manifests.length === 0 ? [manifest] : manifest.manifests;
  return new Map(images.map((image) => [image.platform ?? 'no platform', image]));
}
