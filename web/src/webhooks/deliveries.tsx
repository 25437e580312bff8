import { Alert, Button } from '@mantine/core';
import { useEffect } from 'react';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { useMay } from '../session/viewer.ts';
import type { Column } from '../shared/data-table.tsx';
import { List } from '../shared/list-page.tsx';
import { Panel } from '../shared/panel.tsx';
import { When } from '../shared/when.tsx';
import { Redeliver } from './webhook-queries.ts';
import { DeliveryState } from './webhook-state.tsx';

const DeliveriesQuery = graphql(`
  query Deliveries($id: ID!, $first: Int!, $after: String) {
    webhook(id: $id) {
      id
      deliveries(first: $first, after: $after) {
        totalCount
        pageInfo {
          endCursor
          hasNextPage
        }
        nodes {
          id
          event
          repositoryName
          state
          attempts
          httpStatus
          errorCode
          errorMessage
          createdAt
          nextAttemptAt
        }
      }
    }
  }
`);

type Delivery = NonNullable<ResultOf<typeof DeliveriesQuery>['webhook']>['deliveries']['nodes'][number];

const columns: readonly Column<Delivery>[] = [
  { header: 'Event', width: 'minmax(178px, 1.2fr)', cell: ({ event }) => event },
  {
    header: 'Repository',
    width: 'minmax(90px, 1fr)',
    cell: ({ repositoryName }) => repositoryName ?? '–',
  },
  { header: 'State', width: '104px', cell: ({ state }) => <DeliveryState state={state} /> },
  {
    header: 'Answer',
    width: 'minmax(110px, 1.4fr)',
    cell: ({ httpStatus, errorCode, errorMessage, attempts, nextAttemptAt }) => (
      <span title={errorMessage ?? undefined}>
        {httpStatus ?? errorCode ?? '–'}
        {attempts > 1 ? ` after ${attempts.toLocaleString()} attempts` : ''}
        {nextAttemptAt === null ? null : (
          <>
            , next <When at={nextAttemptAt} />
          </>
        )}
      </span>
    ),
  },
  { header: 'Made', width: '96px', cell: ({ createdAt }) => <When at={createdAt} /> },
];

interface Props {
  readonly id: string;
  /** Of the webhook. */
  readonly name: string;
}

const soonMs = 60_000;
const lookMs = 2_000;

/** The delivery log of a webhook. It is read again while an attempt is about to be made. */
export function Deliveries({ id, name }: Props) {
  const may = useMay();
  const pages = usePages(DeliveriesQuery, { id, first: 50 }, (data) => data.webhook?.deliveries);
  const redelivery = useSubmit(Redeliver, (data) => data.webhookRedeliver);
  const { rows, reload } = pages;
  const isSoon = rows.some(isDueSoon);
  useEffect(() => {
    if (!isSoon) return undefined;
    const timer = setInterval(reload, lookMs);
    return () => clearInterval(timer);
  }, [isSoon, reload]);
  const again: Column<Delivery> = {
    header: 'Again',
    width: '96px',
    cell: ({ id: deliveryId, event }) => (
      <Button
        size="compact-xs"
        variant="default"
        aria-label={`Redeliver ${event}`}
        onClick={() => void redelivery.submit({ input: { id: deliveryId } })}
      >
        Redeliver
      </Button>
    ),
  };
  const mistakes = redelivery.elsewhere();
  return (
    <Panel title={`Deliveries${pages.total === undefined ? '' : ` (${pages.total.toLocaleString()})`}`}>
      {mistakes.length > 0 ? <Alert color="red">{mistakes.join(' ')}</Alert> : null}
      <List
        label="Deliveries"
        pages={pages}
        columns={may('MAINTAINER', name) ? [...columns, again] : columns}
        keyOf={(row) => row.id}
        height="420px"
        empty="Nothing was sent yet. A ping tests the endpoint."
      />
    </Panel>
  );
}

function isDueSoon({ state, nextAttemptAt }: Delivery): boolean {
  return state === 'PENDING' && nextAttemptAt !== null && Date.parse(nextAttemptAt) < Date.now() + soonMs;
}
