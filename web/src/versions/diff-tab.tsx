import { Button } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { Empty } from '../shared/empty.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { VersionDiff } from './version-diff.tsx';
import { VersionSelect, useVersions } from './version-select.tsx';
import classes from './versions.module.css';

interface Props {
  readonly name: string;
  readonly latest: number | undefined;
}

const route = getRouteApi('/repositories/$');

/** What leads from one version to another, either way. */
export function DiffTab({ name, latest }: Props) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const versions = useVersions(name);
  if (latest === undefined || versions?.length === 1)
    return (
      <Empty title="Nothing to compare yet">
        A second version is made by the next sync or push that changes something.
      </Empty>
    );
  const to = search.to ?? latest;
  const from = search.from ?? versions?.find(({ number }) => number < to)?.number ?? Math.max(1, to - 1);
  const set = (fields: { from?: number; to?: number }) =>
    void navigate({ search: { tab: 'diff', from, to, ...fields } });
  const ids = [from, to].map((wanted) => versions?.find(({ number }) => number === wanted)?.id);
  return (
    <>
      <div className={classes.selectors}>
        <VersionSelect name={name} label="From" value={from} onChange={(number) => set({ from: number })} />
        <VersionSelect name={name} label="To" value={to} onChange={(number) => set({ to: number })} />
        <Button variant="default" onClick={() => set({ from: to, to: from })}>
          Swap
        </Button>
      </div>
      {ids[0] === undefined || ids[1] === undefined ? (
        versions === undefined ? (
          <RowsSkeleton rows={4} />
        ) : (
          <Empty title="No such version">Choose two versions of the lists above.</Empty>
        )
      ) : (
        <VersionDiff from={ids[0]} to={ids[1]} />
      )}
    </>
  );
}
