import { Button } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { IconPlus } from '../frame/icons.ts';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import { useMay } from '../session/viewer.ts';
import type { Column } from '../shared/data-table.tsx';
import { Empty } from '../shared/empty.tsx';
import { Chips } from '../shared/facts.tsx';
import { ListPage } from '../shared/list-page.tsx';
import { When } from '../shared/when.tsx';
import { WebhookDialog } from './webhook-dialog.tsx';
import { WebhookState } from './webhook-state.tsx';

const Webhooks = graphql(`
  query Webhooks($first: Int!, $after: String) {
    webhooks(first: $first, after: $after) {
      totalCount
      pageInfo {
        endCursor
        hasNextPage
      }
      nodes {
        id
        name
        url
        events
        repositories
        enabled
        disabledReason
        lastDeliveredAt
      }
    }
  }
`);

type Webhook = ResultOf<typeof Webhooks>['webhooks']['nodes'][number];

const columns: readonly Column<Webhook>[] = [
  { header: 'Name', width: 'minmax(120px, 1fr)', cell: ({ name }) => <b>{name}</b> },
  {
    header: 'Endpoint',
    width: 'minmax(180px, 1.4fr)',
    cell: ({ url }) => url.replace(/^https?:\/\//, ''),
  },
  {
    header: 'Events',
    width: 'minmax(140px, 1.2fr)',
    cell: ({ events }) => <Chips texts={events} none="all" />,
  },
  {
    header: 'Repositories',
    width: 'minmax(120px, 1fr)',
    cell: ({ repositories }) => <Chips texts={repositories} none="all" />,
  },
  { header: 'State', width: '110px', cell: (row) => <WebhookState {...row} /> },
  { header: 'Delivered', width: '110px', cell: ({ lastDeliveredAt }) => <When at={lastDeliveredAt} /> },
];

const route = getRouteApi('/webhooks/');

export function WebhooksPage() {
  const { edit } = route.useSearch();
  const navigate = route.useNavigate();
  const may = useMay();
  const pages = usePages(Webhooks, { first: 100 }, (data) => data.webhooks);
  const open = (_splat: string) => void navigate({ to: '/webhooks/$', params: { _splat } });
  const create = may('MAINTAINER') ? (
    <Button leftSection={<IconPlus size={16} />} onClick={() => void navigate({ search: { edit: 'new' } })}>
      New webhook
    </Button>
  ) : null;
  return (
    <ListPage
      label="Webhooks"
      pages={pages}
      columns={columns}
      keyOf={({ id }) => id}
      onOpen={({ name }) => open(name)}
      action={create}
      empty={
        <Empty title="No webhook yet" action={create}>
          A webhook tells an endpoint of new versions and of syncs, with signed messages.
        </Empty>
      }
    >
      {edit === undefined ? null : (
        <WebhookDialog
          id={undefined}
          onClose={(saved) => (saved === undefined ? void navigate({ search: {} }) : open(saved))}
        />
      )}
    </ListPage>
  );
}
