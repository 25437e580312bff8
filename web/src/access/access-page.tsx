import { Tabs } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useMay } from '../session/viewer.ts';
import { Page } from '../shared/page.tsx';
import { GrantsTab } from './grants-tab.tsx';
import { TokensTab } from './tokens-tab.tsx';

const route = getRouteApi('/access');

export function AccessPage() {
  const may = useMay();
  const all = may('ROOT');
  const { tab = all ? 'tokens' : 'grants' } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Page title="Access" subtitle="Tokens log in; grants give roles in scopes">
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(value) => void navigate({ search: { tab: value as typeof tab } })}
      >
        <Tabs.List mb="md">
          {all ? <Tabs.Tab value="tokens">Tokens</Tabs.Tab> : null}
          <Tabs.Tab value="grants">Grants</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="tokens">
          <TokensTab />
        </Tabs.Panel>
        <Tabs.Panel value="grants">
          <GrantsTab />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
