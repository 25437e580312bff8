import { Button, Tabs } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { Suspense, lazy } from 'react';
import { useQuery } from 'urql';
import { repositoryTabs } from '../frame/router.tsx';
import { replaceFields } from '../frame/search.ts';
import { IconRefresh } from '../frame/icons.ts';
import { graphql } from '../graphql/graphql.ts';
import { useMay } from '../session/viewer.ts';
import { Page } from '../shared/page.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { RunningSync, RunningSyncFragment } from '../sync/running-sync.tsx';
import { HistoryTab } from '../tags/history-tab.tsx';
import { TagsTab } from '../tags/tags-tab.tsx';
import { DiffTab } from '../versions/diff-tab.tsx';
import { RestoreDialog } from '../versions/restore-dialog.tsx';
import { VersionsTab } from '../versions/versions-tab.tsx';
import { NoSuchRepository } from './no-such-repository.tsx';
import { PullTab } from './pull-tab.tsx';
import { RepositoryLine, RepositoryLineFragment } from './repository-line.tsx';
import { SettingsTab } from './settings-tab.tsx';

const SyncDialog = lazy(async () => ({ default: (await import('../sync/sync-dialog.tsx')).SyncDialog }));

const RepositoryQuery = graphql(
  `
    query Repository($name: String!) {
      repository(name: $name) {
        id
        name
        latestVersion {
          id
          number
        }
        tasks(first: 1) {
          nodes {
            id
            ...RunningSync
          }
        }
        ...RepositoryLine
      }
    }
  `,
  [RepositoryLineFragment, RunningSyncFragment],
);

type Tab = (typeof repositoryTabs)[number];

const labels: Record<Tab, string> = {
  versions: 'Versions',
  tags: 'Tags',
  history: 'History',
  diff: 'Diff',
  pull: 'Pull',
  settings: 'Settings',
};

const route = getRouteApi('/repositories/$');

export function RepositoryPage() {
  const { _splat: name = '' } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const may = useMay();
  const [{ data, error }, reload] = useQuery({ query: RepositoryQuery, variables: { name } });
  const repository = data?.repository;
  if (repository === null) return <NoSuchRepository name={name} />;
  const { tab = 'versions', sync, restore } = search;
  const tabs = may('MAINTAINER', name)
    ? repositoryTabs
    : repositoryTabs.filter((each) => each !== 'settings');
  const close = (field: 'sync' | 'restore') =>
    void navigate({ search: (before) => replaceFields(before, { [field]: undefined }), replace: true });
  return (
    <Page
      title={name}
      subtitle={repository === undefined ? ' ' : <RepositoryLine repository={repository} />}
      actions={
        may('MAINTAINER', name) && repository !== undefined ? (
          <SyncButton onClick={() => void navigate({ search: (before) => ({ ...before, sync: 'rules' }) })} />
        ) : null
      }
    >
      <Problem error={error} onRetry={() => reload({ requestPolicy: 'network-only' })} />
      {repository?.tasks.nodes.map((task) => (
        <RunningSync key={task.id} task={task} />
      ))}
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(value) => void navigate({ search: { tab: value as typeof tab } })}
      >
        <Tabs.List mb="md">
          {tabs.map((each) => (
            <Tabs.Tab key={each} value={each}>
              {labels[each]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {repository === undefined ? <RowsSkeleton /> : null}
        {repository === undefined ? null : (
          <Tabs.Panel value={tab}>
            <TabContent tab={tab} name={name} id={repository.id} latest={repository.latestVersion?.number} />
          </Tabs.Panel>
        )}
      </Tabs>
      {restore === undefined ? null : (
        <RestoreDialog name={name} number={restore} onClose={() => close('restore')} />
      )}
      {sync === undefined || repository === undefined ? null : (
        <Suspense>
          <SyncDialog name={name} step={sync} onClose={() => close('sync')} />
        </Suspense>
      )}
    </Page>
  );
}

interface TabProps {
  readonly tab: Tab;
  readonly name: string;
  readonly id: string;
  /** Number of the latest version. */
  readonly latest: number | undefined;
}

function TabContent({ tab, name, id, latest }: TabProps) {
  switch (tab) {
    case 'versions':
      return <VersionsTab name={name} />;
    case 'tags':
      return <TagsTab name={name} latest={latest} />;
    case 'history':
      return <HistoryTab name={name} />;
    case 'diff':
      return <DiffTab name={name} latest={latest} />;
    case 'pull':
      return <PullTab name={name} />;
    case 'settings':
      return <SettingsTab key={id} name={name} />;
  }
}

function SyncButton({ onClick }: { readonly onClick: () => void }) {
  return (
    <Button leftSection={<IconRefresh size={16} />} onClick={onClick}>
      Sync…
    </Button>
  );
}
