import { Link } from '@tanstack/react-router';
import { formatBytes } from '../../../src/cli/progress/format.ts';
import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf } from '../graphql/graphql.ts';
import { StateMark } from '../shared/state-mark.tsx';
import classes from './overview.module.css';

export const FiguresFragment = graphql(`
  fragment Figures on Estate {
    repositories
    fresh
    late
    failing
    syncing
    unscheduled
    storage {
      storedBytes
      logicalBytes
      savedBytes
    }
  }
`);

const states = [
  { field: 'fresh', freshness: 'FRESH', tone: 'good', word: 'fresh' },
  { field: 'late', freshness: 'LATE', tone: 'late', word: 'late' },
  { field: 'failing', freshness: 'FAILING', tone: 'bad', word: 'failing' },
  { field: 'syncing', freshness: 'SYNCING', tone: 'live', word: 'syncing' },
  { field: 'unscheduled', freshness: 'UNSCHEDULED', tone: 'rest', word: 'no schedule' },
] as const;

/** All repositories in figures; each leads to the list that it counts. */
export function Figures({ estate }: { readonly estate: FragmentOf<typeof FiguresFragment> }) {
  const data = readFragment(FiguresFragment, estate);
  const { storedBytes, logicalBytes, savedBytes } = data.storage;
  return (
    <section className={classes.figures} aria-label="Figures">
      <Link to="/repositories" className={classes.figure}>
        <b>{data.repositories.toLocaleString()}</b>
        <span>repositories</span>
      </Link>
      {states.map(({ field, freshness, tone, word }) => (
        <Link
          key={field}
          to="/repositories"
          search={{ freshness }}
          className={classes.figure}
          data-none={data[field] === 0 || undefined}
        >
          <b>{data[field].toLocaleString()}</b>
          <StateMark tone={data[field] === 0 ? 'rest' : tone}>{word}</StateMark>
        </Link>
      ))}
      <div className={classes.figure} data-wide>
        <b>{formatBytes(storedBytes)}</b>
        <span>
          stored · {formatBytes(logicalBytes)} logical, {formatBytes(savedBytes)} saved by sharing
        </span>
        <div
          className={classes.sharing}
          role="img"
          aria-label={`${share(storedBytes, logicalBytes)} % of the logical bytes are stored`}
        >
          <span style={{ width: `${share(storedBytes, logicalBytes)}%` }} />
        </div>
      </div>
    </section>
  );
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 100);
}
