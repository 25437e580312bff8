import { Text } from '@mantine/core';
import { formatBytes } from '../../../src/cli/progress/format.ts';
import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf } from '../graphql/graphql.ts';
import { DataTable } from '../shared/data-table.tsx';
import type { Column } from '../shared/data-table.tsx';

export const TaskUpstreamsFragment = graphql(`
  fragment TaskUpstreams on Task {
    upstreams {
      url
      upstreamName
      isFallback
      hasList
      manifests
      blobs
      bytes
    }
  }
`);

interface Upstream {
  readonly url: string;
  readonly upstreamName: string;
  readonly isFallback: boolean;
  readonly hasList: boolean;
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
}

const columns: readonly Column<Upstream>[] = [
  {
    header: 'Upstream',
    width: 'minmax(200px, 1fr)',
    cell: ({ url, upstreamName, isFallback }) => `${url}/${upstreamName}${isFallback ? ' (fallback)' : ''}`,
  },
  { header: 'Tags', width: '90px', cell: ({ hasList }) => (hasList ? 'listed' : '') },
  {
    header: 'Manifests',
    width: '90px',
    align: 'right',
    cell: ({ manifests }) => manifests.toLocaleString(),
  },
  { header: 'Blobs', width: '80px', align: 'right', cell: ({ blobs }) => blobs.toLocaleString() },
  { header: 'Bytes', width: '100px', align: 'right', cell: ({ bytes }) => formatBytes(bytes) },
];

/** Who delivered what, of a sync whose remote has fallbacks. */
export function TaskUpstreams({ task }: { readonly task: FragmentOf<typeof TaskUpstreamsFragment> }) {
  const { upstreams } = readFragment(TaskUpstreamsFragment, task);
  if (upstreams.length === 0) return null;
  return (
    <>
      <Text size="sm" mt="md" mb={4} fw={600}>
        Served by
      </Text>
      <DataTable
        label="Upstreams"
        columns={columns}
        rows={upstreams}
        keyOf={({ url, upstreamName }) => `${url} ${upstreamName}`}
      />
    </>
  );
}
