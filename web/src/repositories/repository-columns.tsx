import { Link } from '@tanstack/react-router';
import type { Column } from '../shared/data-table.tsx';

/** Columns that lists of repositories share. */
export const nameColumn: Column<{ readonly name: string }> = {
  header: 'Name',
  width: 'minmax(180px, 2fr)',
  cell: ({ name }) => (
    <Link to="/repositories/$" params={{ _splat: name }}>
      {name}
    </Link>
  ),
};

export const versionColumn: Column<{ readonly latestVersion: { readonly number: number } | null }> = {
  header: 'Version',
  width: '64px',
  align: 'right',
  cell: ({ latestVersion }) => (latestVersion === null ? '–' : `v${latestVersion.number}`),
};

interface Counted {
  readonly latestVersion: { readonly contentSummary: { readonly present: { readonly tags: number } } } | null;
}

export const tagsColumn: Column<Counted> = {
  header: 'Tags',
  width: '70px',
  align: 'right',
  cell: ({ latestVersion }) => latestVersion?.contentSummary.present.tags.toLocaleString() ?? '–',
};
