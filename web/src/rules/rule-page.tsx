import { Link, getRouteApi } from '@tanstack/react-router';
import { Text } from '@mantine/core';
import { useQuery } from 'urql';
import { replaceFields } from '../frame/search.ts';
import { graphql } from '../graphql/graphql.ts';
import { Empty } from '../shared/empty.tsx';
import { Page } from '../shared/page.tsx';
import { Panel } from '../shared/panel.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { isFinal } from '../tasks/task-state.tsx';
import { MadeRepositories } from './made-repositories.tsx';
import { RuleActions } from './rule-actions.tsx';
import { RuleDialog } from './rule-dialog.tsx';
import { RuleFacts, RuleFactsFragment } from './rule-facts.tsx';
import { RuleRun } from './rule-run.tsx';
import classes from '../shared/facts.module.css';

const RuleQuery = graphql(
  `
    query MirrorRule($name: String!) {
      mirrorRule(name: $name) {
        id
        name
        url
        targetPrefix
        repositoryCount
        vanishedCount
        lastRun {
          id
          state
        }
        ...RuleFacts
      }
    }
  `,
  [RuleFactsFragment],
);

const route = getRouteApi('/rules/$name');

export function RulePage() {
  const { name } = route.useParams();
  const { edit, vanished } = route.useSearch();
  const navigate = route.useNavigate();
  const [{ data, error }, reload] = useQuery({ query: RuleQuery, variables: { name } });
  const rule = data?.mirrorRule;
  const change = (fields: { edit?: string; vanished?: string }) =>
    void navigate({ search: (before) => replaceFields(before, fields), replace: true });
  if (rule === null)
    return (
      <Page title={name}>
        <Empty title="No mirror rule has this name">
          Look for it in the <Link to="/rules">list of mirror rules</Link>.
        </Empty>
      </Page>
    );
  const closeForm = (saved?: string) =>
    saved === undefined || saved === name
      ? change({ edit: '' })
      : void navigate({ params: { name: saved }, search: {}, replace: true });
  return (
    <Page
      title={name}
      subtitle={rule === undefined ? ' ' : `mirrors repositories of ${rule.url.replace(/^https?:\/\//, '')}`}
      actions={
        rule === undefined ? null : (
          <RuleActions
            rule={rule}
            isRunning={rule.lastRun !== null && !isFinal(rule.lastRun.state)}
            onEdit={() => change({ edit: 'rule' })}
          />
        )
      }
    >
      <Problem error={error} onRetry={() => reload({ requestPolicy: 'network-only' })} />
      {rule === undefined && error === undefined ? <RowsSkeleton rows={6} /> : null}
      {rule === undefined ? null : (
        <div className={classes.stack}>
          <RuleFacts rule={rule} />
          {rule.lastRun === null ? (
            <Panel title="Last run">
              <Text size="sm">It has not run yet. Preview a run to see what it would create.</Text>
            </Panel>
          ) : (
            <RuleRun key={rule.lastRun.id} id={rule.lastRun.id} stateOnPage={rule.lastRun.state} />
          )}
          <MadeRepositories
            rule={rule}
            onlyVanished={vanished !== undefined}
            onChange={(only) => change({ vanished: only ? 'true' : '' })}
          />
        </div>
      )}
      {edit === undefined || rule === undefined ? null : <RuleDialog id={rule.id} onClose={closeForm} />}
    </Page>
  );
}
