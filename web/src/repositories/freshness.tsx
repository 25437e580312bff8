import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf } from '../graphql/graphql.ts';
import { StateMark } from '../shared/state-mark.tsx';
import type { Tone } from '../shared/state-mark.tsx';
import { exactTime } from '../shared/time.ts';

export const FreshnessFragment = graphql(`
  fragment Freshness on Repository {
    freshness
    syncExpectedAt
    lastSyncedAt
    lastSyncError {
      code
      message
    }
    remote {
      id
    }
  }
`);

const marks = {
  FRESH: { tone: 'good', word: 'fresh' },
  LATE: { tone: 'late', word: 'late' },
  FAILING: { tone: 'bad', word: 'failing' },
  SYNCING: { tone: 'live', word: 'syncing' },
  UNSCHEDULED: { tone: 'rest', word: 'no schedule' },
} as const satisfies Record<string, { tone: Tone; word: string }>;

/** How a repository stands against its schedules. */
export function Freshness({ repository }: { readonly repository: FragmentOf<typeof FreshnessFragment> }) {
  const { freshness, syncExpectedAt, lastSyncedAt, lastSyncError, remote } = readFragment(
    FreshnessFragment,
    repository,
  );
  if (freshness === 'UNSCHEDULED' && lastSyncedAt === null)
    return <StateMark tone="rest">{remote === null ? 'pushed' : 'never synced'}</StateMark>;
  const { tone, word } = marks[freshness];
  const title =
    lastSyncError?.message ??
    (syncExpectedAt === null ? undefined : `The next sync should end by ${exactTime(syncExpectedAt)}`);
  return (
    <StateMark tone={tone} title={title}>
      {word}
    </StateMark>
  );
}
