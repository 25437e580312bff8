import { Alert, Button, Group, Modal, Text } from '@mantine/core';
import { useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { VersionDiff } from './version-diff.tsx';

const RestoreQuery = graphql(`
  query Restore($name: String!, $number: Int!) {
    repository(name: $name) {
      id
      isMirrored
      latestVersion {
        id
        number
      }
      version(number: $number) {
        id
        number
      }
      schedules(first: 1) {
        totalCount
      }
    }
  }
`);

const RestoreMutation = graphql(`
  mutation RestoreVersion($input: RepositoryRestoreVersionInput!) {
    repositoryRestoreVersion(input: $input) {
      version {
        id
        number
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

interface Props {
  readonly name: string;
  readonly number: number;
  readonly onClose: () => void;
}

/** Rollback: shows what it changes for clients before it is done. */
export function RestoreDialog({ name, number, onClose }: Props) {
  const [{ data, error }] = useQuery({ query: RestoreQuery, variables: { name, number } });
  const { submit, busy, ...mutation } = useSubmit(
    RestoreMutation,
    (result) => result.repositoryRestoreVersion,
  );
  const latest = data?.repository?.latestVersion;
  const version = data?.repository?.version;
  const others = mutation.elsewhere();
  const restore = async () => {
    if (version == null) return;
    const done = await submit({ input: { versionId: version.id } });
    if (done !== undefined) onClose();
  };
  return (
    <Modal opened onClose={onClose} size="xl" title={`Restore version ${number}`}>
      <Problem error={error ?? mutation.error} />
      {data === undefined && error === undefined ? <RowsSkeleton rows={4} /> : null}
      {version === null ? <Alert color="red">Version {number} no longer exists.</Alert> : null}
      {latest != null && version != null ? (
        <>
          <Text size="sm" mb="sm">
            Version {number} is published again as version {latest.number + 1}. Clients that pull the latest
            version see these changes; nothing is deleted.
          </Text>
          <VersionDiff from={latest.id} to={version.id} />
          {data?.repository?.isMirrored === true && data.repository.schedules.totalCount > 0 ? (
            <Alert color="yellow" variant="light" mt="sm">
              A schedule syncs this mirror: its next sync brings the upstream's content back. Pause it to stay
              at this version.
            </Alert>
          ) : null}
        </>
      ) : null}
      {others.length > 0 ? (
        <Alert color="red" mt="sm">
          {others.join(' ')}
        </Alert>
      ) : null}
      <Group justify="flex-end" mt="md" gap="xs">
        <Button variant="default" onClick={onClose} data-autofocus>
          Cancel
        </Button>
        <Button onClick={() => void restore()} loading={busy} disabled={version == null || latest == null}>
          Restore v{number} as v{(latest?.number ?? number) + 1}
        </Button>
      </Group>
    </Modal>
  );
}
