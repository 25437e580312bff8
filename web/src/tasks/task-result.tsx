import { Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { formatBytes } from '../../../src/cli/progress/format.ts';
import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf } from '../graphql/graphql.ts';

export const TaskResultFragment = graphql(`
  fragment TaskResult on Task {
    state
    dryRun
    repositoryName
    createdVersion {
      id
      number
    }
    report {
      blobs
      bytes
      damaged
      files
      manifests
      missing
      versions
      graceSeconds
    }
  }
`);

/** What a task has made: a version, or the report of upkeep. */
export function TaskResult({ task }: { readonly task: FragmentOf<typeof TaskResultFragment> }) {
  const { state, dryRun, repositoryName, createdVersion, report } = readFragment(TaskResultFragment, task);
  if (report !== null)
    return (
      <Text size="sm" mt="sm">
        {report.manifests.toLocaleString()} manifests, {report.blobs.toLocaleString()} blobs,{' '}
        {formatBytes(report.bytes)}
        {report.graceSeconds === null
          ? ' verified'
          : `, ${report.versions.toLocaleString()} versions ${dryRun ? 'would be removed' : 'removed'}`}
        {report.damaged > 0 ? `; ${report.damaged} damaged` : ''}
        {report.missing > 0 ? `; ${report.missing} missing` : ''}.
      </Text>
    );
  if (state !== 'COMPLETED' || dryRun || repositoryName === null) return null;
  return (
    <Text size="sm" mt="sm">
      {createdVersion === null ? (
        'Nothing changed: the repository already had everything.'
      ) : (
        <>
          Created{' '}
          <Link
            to="/repositories/$"
            params={{ _splat: repositoryName }}
            search={{ tab: 'tags', version: createdVersion.number }}
          >
            version {createdVersion.number}
          </Link>
          .
        </>
      )}
    </Text>
  );
}
