import { Select, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import { CopyLine } from '../shared/copy-line.tsx';
import { Empty } from '../shared/empty.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { TagSelect } from '../tags/tag-select.tsx';
import { pullCommands } from './pull-commands.ts';

const Pull = graphql(`
  query Pull($name: String!) {
    repository(name: $name) {
      id
      servedAt {
        basePath
        isServed
        private
        versionNumber
      }
      latestVersion {
        id
        tags(first: 1) {
          nodes {
            id
            name
          }
        }
        tag(name: "latest") {
          id
        }
      }
    }
  }
`);

/** Commands that pull an image from this server. */
export function PullTab({ name }: { readonly name: string }) {
  const [{ data, error }] = useQuery({ query: Pull, variables: { name } });
  const [path, setPath] = useState<string>();
  const [chosen, setChosen] = useState<string>();
  if (error !== undefined) return <Problem error={error} />;
  if (data === undefined) return <RowsSkeleton rows={4} />;
  const served = data.repository?.servedAt.filter(({ isServed }) => isServed) ?? [];
  const latest = data.repository?.latestVersion;
  if (latest == null || served.length === 0)
    return (
      <Empty title={latest == null ? 'Nothing to pull yet' : 'No distribution serves this repository'}>
        {latest == null ? 'Sync or push first.' : 'Point a distribution at it.'}
      </Empty>
    );
  const basePath =
    path ?? served.find((each) => each.basePath === name)?.basePath ?? served[0]?.basePath ?? name;
  const distribution = served.find((each) => each.basePath === basePath);
  const tag = chosen ?? (latest.tag === null ? (latest.tags.nodes[0]?.name ?? 'latest') : 'latest');
  return (
    <Stack gap="md" maw={760}>
      <Stack gap="sm">
        {served.length > 1 ? (
          <Select
            label="Base path"
            w={320}
            value={basePath}
            allowDeselect={false}
            onChange={(value) => value !== null && setPath(value)}
            data={served.map((each) => each.basePath)}
          />
        ) : null}
        <TagSelect key={tag} name={name} value={tag} onChange={setChosen} />
      </Stack>
      {pullCommands({
        host: window.location.host,
        secure: window.location.protocol === 'https:',
        basePath,
        tag,
      }).map(({ client, command }) => (
        <div key={client}>
          <Text size="sm" fw={600} mb={4}>
            {client}
          </Text>
          <CopyLine text={command} label={`Copy the command for ${client}`} />
        </div>
      ))}
      <Text size="sm" c="dimmed">
        {distribution?.private === true
          ? 'This base path is private: log in first, with any user name and a token as the password.'
          : 'This base path is public: no login is needed.'}
        {distribution?.versionNumber == null ? '' : ` It is pinned to version ${distribution.versionNumber}.`}
      </Text>
    </Stack>
  );
}
