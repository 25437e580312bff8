import { formatBytes } from '../../../src/cli/progress/format.ts';
import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf } from '../graphql/graphql.ts';
import type { Column } from '../shared/data-table.tsx';
import { Digest } from '../shared/digest.tsx';
import { StateMark } from '../shared/state-mark.tsx';
import { Platforms } from './platforms.tsx';

export const TagCellsFragment = graphql(`
  fragment TagCells on Tag {
    id
    name
    digest
    manifest {
      id
      platform
      artifactType
      totalSizeBytes
      children {
        platform
        isStored
      }
    }
    verified {
      isVerified
      by
      reason
    }
  }
`);

type Row = FragmentOf<typeof TagCellsFragment> & { readonly name: string };

const read = (row: Row) => readFragment(TagCellsFragment, row);

export const tagColumns: readonly Column<Row>[] = [
  { header: 'Tag', width: 'minmax(120px, 1.4fr)', cell: ({ name }) => <b>{name}</b> },
  { header: 'Digest', width: '112px', cell: (row) => <Digest value={read(row).digest} /> },
  {
    header: 'Platforms',
    width: 'minmax(124px, 1.4fr)',
    cell: (row) => <Platforms manifest={read(row).manifest} />,
  },
  {
    header: 'Size',
    width: '72px',
    align: 'right',
    cell: (row) => formatBytes(read(row).manifest.totalSizeBytes),
  },
  { header: 'Signed by', width: 'minmax(92px, 1fr)', cell: (row) => <SignedBy row={row} /> },
];

function SignedBy({ row }: { readonly row: Row }) {
  const { verified } = read(row);
  if (verified === null) return <StateMark tone="rest">no policy</StateMark>;
  return verified.isVerified ? (
    <StateMark tone="good" title={verified.by ?? ''}>
      {verified.by ?? 'verified'}
    </StateMark>
  ) : (
    <StateMark tone="bad" title={verified.reason ?? ''}>
      not verified
    </StateMark>
  );
}
