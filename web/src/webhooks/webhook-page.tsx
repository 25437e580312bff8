import { Alert } from '@mantine/core';
import { Link, getRouteApi } from '@tanstack/react-router';
import { useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { Empty } from '../shared/empty.tsx';
import stack from '../shared/facts.module.css';
import { Chips, Facts } from '../shared/facts.tsx';
import { Page } from '../shared/page.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { When } from '../shared/when.tsx';
import { Deliveries } from './deliveries.tsx';
import { WebhookActions } from './webhook-actions.tsx';
import { WebhookDialog } from './webhook-dialog.tsx';
import { WebhookSettings } from './webhook-queries.ts';
import { WebhookState } from './webhook-state.tsx';
import { formats } from './webhook-values.ts';

const WebhookQuery = graphql(
  `
    query Webhook($name: String!) {
      webhook(name: $name) {
        id
        disabledReason
        lastDeliveredAt
        earlierSecretUntil
        ...WebhookSettings
      }
    }
  `,
  [WebhookSettings],
);

const route = getRouteApi('/webhooks/$');

export function WebhookPage() {
  const { _splat: name = '' } = route.useParams();
  const { edit } = route.useSearch();
  const navigate = route.useNavigate();
  const [{ data, error }, reload] = useQuery({ query: WebhookQuery, variables: { name } });
  const webhook = data?.webhook;
  if (webhook === null)
    return (
      <Page title={name}>
        <Empty title="No webhook has this name">
          Look for it in the <Link to="/webhooks">list of webhooks</Link>.
        </Empty>
      </Page>
    );
  return (
    <Page
      title={name}
      subtitle={webhook?.url.replace(/^https?:\/\//, '') ?? ' '}
      actions={
        webhook && (
          <WebhookActions
            id={webhook.id}
            name={name}
            onEdit={() => void navigate({ search: { edit: 'webhook' }, replace: true })}
          />
        )
      }
    >
      <Problem error={error} onRetry={() => reload({ requestPolicy: 'network-only' })} />
      {webhook === undefined && error === undefined ? <RowsSkeleton rows={6} /> : null}
      {webhook === undefined ? null : (
        <div className={stack.stack}>
          <WebhookFacts webhook={webhook} />
          <Deliveries id={webhook.id} name={name} />
        </div>
      )}
      {edit === undefined || webhook === undefined ? null : (
        <WebhookDialog
          id={webhook.id}
          onClose={(saved = name) => void navigate({ params: { _splat: saved }, search: {}, replace: true })}
        />
      )}
    </Page>
  );
}

interface FactsProps {
  readonly webhook: NonNullable<ResultOf<typeof WebhookQuery>['webhook']>;
}

function WebhookFacts({ webhook }: FactsProps) {
  const { url, events, repositories, format, disabledReason, lastDeliveredAt, earlierSecretUntil } = webhook;
  return (
    <Facts
      title="Webhook"
      facts={[
        ['State', <WebhookState key="state" {...webhook} />],
        ['URL', url],
        ['Events', <Chips key="events" texts={events} none="all" />],
        ['Repositories', <Chips key="repositories" texts={repositories} none="all" />],
        ['Format', formats.find(({ value }) => value === format)?.label],
        ['Last delivered', <When key="delivered" at={lastDeliveredAt} />],
        [
          'Earlier secret',
          earlierSecretUntil === null ? null : 'signs as well for a day after the new one was made',
        ],
      ]}
    >
      {disabledReason === null ? null : (
        <Alert color="red" variant="light" mt="sm">
          The server has disabled the webhook. {disabledReason}
        </Alert>
      )}
    </Facts>
  );
}
