import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf, ResultOf } from '../graphql/graphql.ts';
import { Chips, Facts } from '../shared/facts.tsx';
import { span } from '../shared/time.ts';
import { When } from '../shared/when.tsx';
import { blobPolicies } from '../remotes/blob-policies.ts';
import { discoveryLabel } from './discoveries.ts';
import { RuleSettings } from './rule-queries.ts';

export const RuleFactsFragment = graphql(
  `
    fragment RuleFacts on MirrorRule {
      ...RuleSettings
      nextRunAts
    }
  `,
  [RuleSettings],
);

/** How a rule finds repositories, and what it makes of them. */
export function RuleFacts({ rule }: { readonly rule: FragmentOf<typeof RuleFactsFragment> }) {
  const data = readFragment(RuleFactsFragment, rule);
  const { stripPrefix, targetPrefix, nextRunAts } = data;
  const facts = [
    ['Registry', data.url],
    ['Login', data.credential?.name ?? data.username ?? 'none'],
    ['Finds by', discoveryLabel(data.discovery)],
    ['Names', data.repositories === null ? null : <Chips texts={data.repositories} />],
    ['Takes', <Chips key="takes" texts={data.includeRepositories} none="every repository" />],
    [
      'Except',
      data.excludeRepositories.length === 0 ? null : <Chips key="except" texts={data.excludeRepositories} />,
    ],
    [
      'New names',
      `${targetPrefix === '' ? '' : `${targetPrefix}/`}…${stripPrefix === null ? '' : `, without ${stripPrefix}/`}`,
    ],
    ['At most', `${data.repositoriesAtMost.toLocaleString()} repositories`],
    ['Tags', <Chips key="tags" texts={tagsOf(data)} none="every tag" />],
    ['Except tags', <Chips key="but" texts={exceptionsOf(data)} none="none" />],
    ['Platforms', <Chips key="platforms" texts={data.platforms ?? []} none="all" />],
    ['Signature policy', data.signaturePolicy?.name],
    ['Fallbacks', data.fallbacks.length === 0 ? null : data.fallbacks.map(({ url }) => url).join(', ')],
    ['Layers', blobPolicies.find(({ value }) => value === data.policy)?.label],
    ['Tags that are gone', data.mirror ? 'are removed here too' : 'are kept'],
    ['Runs', describeSchedule(data)],
    ['Next run', nextRunAts[0] === undefined ? null : <When key="next" at={nextRunAts[0]} />],
  ] as const;
  return <Facts title="Rule" facts={facts} />;
}

type Tags = Pick<
  ResultOf<typeof RuleSettings>,
  'includeTags' | 'includeTagPatterns' | 'semverRanges' | 'excludeTags' | 'excludeTagPatterns'
>;

function tagsOf({ includeTags, includeTagPatterns, semverRanges }: Tags): string[] {
  return [...(includeTags ?? []), ...(includeTagPatterns ?? []), ...(semverRanges ?? [])];
}

function exceptionsOf({ excludeTags, excludeTagPatterns }: Tags): string[] {
  return [...(excludeTags ?? []), ...(excludeTagPatterns ?? [])];
}

interface Times {
  readonly cron: string | null;
  readonly intervalSeconds: number | null;
  readonly timeZone: string;
  readonly paused: boolean;
}

function describeSchedule({ cron, intervalSeconds, timeZone, paused }: Times): string {
  if (cron === null && intervalSeconds === null) return 'by hand';
  const times = cron === null ? `every ${span(intervalSeconds ?? 0)}` : `${cron} (${timeZone})`;
  return paused ? `${times}, paused` : times;
}
