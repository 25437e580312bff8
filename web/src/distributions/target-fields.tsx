import { Paper } from '@mantine/core';
import { useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import { Choice } from '../shared/forms/choice.tsx';
import { clockTime } from '../shared/time.ts';
import { VersionDiff } from '../versions/version-diff.tsx';

const Versions = graphql(`
  query TargetVersions($id: ID!) {
    repository(id: $id) {
      id
      latestVersion {
        id
      }
      versions(first: 100) {
        nodes {
          id
          number
          createdAt
        }
      }
    }
  }
`);

interface Props {
  readonly repositories: readonly { readonly id: string; readonly name: string }[];
  readonly repositoryId: string | null;
  /** Null: follows the latest. */
  readonly versionId: string | null;
  /** What clients pull now. */
  readonly servedVersionId: string | undefined;
  readonly onChange: (repositoryId: string | null, versionId: string | null) => void;
  readonly error: string | undefined;
}

/** What a distribution serves, with the difference that a move makes for its clients. */
export function TargetFields({
  repositories,
  repositoryId,
  versionId,
  servedVersionId,
  onChange,
  error,
}: Props) {
  const [{ data }] = useQuery({
    query: Versions,
    variables: { id: repositoryId ?? '' },
    pause: repositoryId === null,
  });
  const repository = data?.repository?.id === repositoryId ? data.repository : undefined;
  const versions = repository?.versions.nodes ?? [];
  const next = versionId ?? repository?.latestVersion?.id;
  return (
    <>
      <Choice
        label="Repository"
        required
        value={repositoryId}
        options={repositories}
        onChange={(id) => onChange(id, null)}
        error={error}
      />
      <Choice
        label="Version"
        none="Follows the latest"
        value={versionId}
        options={versions.map(({ id, number, createdAt }) => ({
          id,
          name: `v${number} · ${clockTime(createdAt)}`,
        }))}
        onChange={(id) => onChange(repositoryId, id)}
      />
      {servedVersionId !== undefined && next !== undefined && next !== servedVersionId ? (
        <Paper withBorder p="sm" component="section" aria-label="What clients will see">
          <VersionDiff from={servedVersionId} to={next} />
        </Paper>
      ) : null}
    </>
  );
}
