import { Button, SegmentedControl } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useQuery } from 'urql';
import { replaceFields } from '../frame/search.ts';
import { graphql } from '../graphql/graphql.ts';
import { Empty } from '../shared/empty.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { TagSelect } from '../tags/tag-select.tsx';
import { ImageDiff } from './image-diff.tsx';
import { VersionDiff } from './version-diff.tsx';
import { VersionSelect, useVersions } from './version-select.tsx';
import classes from './versions.module.css';

interface Props {
  readonly name: string;
  readonly latest: number | undefined;
}

const VersionIds = graphql(`
  query VersionIds($name: String!, $from: Int!, $to: Int!) {
    repository(name: $name) {
      id
      before: version(number: $from) {
        id
      }
      after: version(number: $to) {
        id
      }
    }
  }
`);

const route = getRouteApi('/repositories/$');

/** What leads from one version to another, either way: of all tags, or of the images of one tag or two. */
export function DiffTab({ name, latest }: Props) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const versions = useVersions(name);
  const to = search.to ?? latest ?? 0;
  const from = search.from ?? versions?.find(({ number }) => number < to)?.number ?? Math.max(1, to - 1);
  const { tag } = search;
  const other = search.other ?? tag;
  const set: SelectorProps['set'] = (fields) =>
    void navigate({
      search: (before) => replaceFields({ ...before, tab: 'diff', from, to }, fields),
    });
  const [{ data }] = useQuery({ query: VersionIds, variables: { name, from, to } });
  if (latest === undefined || versions?.length === 1)
    return (
      <Empty title="Nothing to compare yet">
        A second version is made by the next sync or push that changes something.
      </Empty>
    );
  const ids = [data?.repository?.before?.id, data?.repository?.after?.id];
  return (
    <>
      <Selectors name={name} from={from} to={to} tag={tag} other={other} set={set} />
      {ids[0] === undefined || ids[1] === undefined ? (
        data === undefined ? (
          <RowsSkeleton rows={4} />
        ) : (
          <Empty title="No such version">Choose two versions of the lists above.</Empty>
        )
      ) : tag !== undefined && other !== undefined ? (
        <ImageDiff name={name} from={{ version: from, tag }} to={{ version: to, tag: other }} />
      ) : (
        <VersionDiff from={ids[0]} to={ids[1]} compared={{ name, from, to }} />
      )}
    </>
  );
}

interface SelectorProps {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** Undefined: all tags are compared. */
  readonly tag: string | undefined;
  readonly other: string | undefined;
  readonly set: (fields: {
    from?: number;
    to?: number;
    tag?: string | undefined;
    other?: string | undefined;
  }) => void;
}

/** What is compared. */
function Selectors({ name, from, to, tag, other, set }: SelectorProps) {
  return (
    <>
      <div className={classes.selectors}>
        <VersionSelect name={name} label="From" value={from} onChange={(number) => set({ from: number })} />
        <VersionSelect name={name} label="To" value={to} onChange={(number) => set({ to: number })} />
        <Button
          variant="default"
          onClick={() =>
            set({ from: to, to: from, ...(tag === undefined ? {} : { tag: other, other: tag }) })
          }
        >
          Swap
        </Button>
        <SegmentedControl
          aria-label="Compare"
          value={tag === undefined ? 'tags' : 'images'}
          onChange={(value) => set(value === 'tags' ? { tag: '', other: '' } : { tag: 'latest' })}
          data={[
            { value: 'tags', label: 'All tags' },
            { value: 'images', label: 'One image' },
          ]}
        />
      </div>
      {tag === undefined || other === undefined ? null : (
        <div className={classes.selectors}>
          <TagSelect
            key={`from ${tag}`}
            label="Tag before"
            name={name}
            value={tag}
            onChange={(value) => set({ tag: value, other })}
          />
          <TagSelect
            key={`to ${other}`}
            label="Tag after"
            name={name}
            value={other}
            onChange={(value) => set({ other: value })}
          />
        </div>
      )}
    </>
  );
}
