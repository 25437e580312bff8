import { Button } from '@mantine/core';
import { Link, getRouteApi, useNavigate } from '@tanstack/react-router';
import { useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { useMay } from '../session/viewer.ts';
import { Empty } from '../shared/empty.tsx';
import stack from '../shared/facts.module.css';
import { DeleteButton } from '../shared/forms/delete-button.tsx';
import { Page } from '../shared/page.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { ProxiedRepositories } from './proxied-repositories.tsx';
import { ProxyDialog } from './proxy-dialog.tsx';
import { ProxyFacts } from './proxy-facts.tsx';
import { DeleteProxy, ProxySettings } from './proxy-queries.ts';

const ProxyQuery = graphql(
  `
    query Proxy($basePath: String!) {
      proxy(basePath: $basePath) {
        id
        repositoryCount
        cachedBytes
        ...ProxySettings
      }
    }
  `,
  [ProxySettings],
);

const route = getRouteApi('/proxies/$');

export function ProxyPage() {
  const { _splat: basePath = '' } = route.useParams();
  const { edit } = route.useSearch();
  const navigate = route.useNavigate();
  const [{ data, error }, reload] = useQuery({ query: ProxyQuery, variables: { basePath } });
  const proxy = data?.proxy;
  if (proxy === null)
    return (
      <Page title={basePath}>
        <Empty title="No proxy has this base path">
          Look for it in the <Link to="/proxies">list of proxies</Link>.
        </Empty>
      </Page>
    );
  return (
    <Page
      title={basePath}
      subtitle={proxy === undefined ? ' ' : `serves repositories of ${proxy.url.replace(/^https?:\/\//, '')}`}
      actions={
        proxy && (
          <Actions
            id={proxy.id}
            basePath={basePath}
            onEdit={() => void navigate({ search: { edit: 'proxy' }, replace: true })}
          />
        )
      }
    >
      <Problem error={error} onRetry={() => reload({ requestPolicy: 'network-only' })} />
      {proxy === undefined && error === undefined ? <RowsSkeleton rows={6} /> : null}
      {proxy === undefined ? null : (
        <div className={stack.stack}>
          <ProxyFacts proxy={proxy} cachedBytes={proxy.cachedBytes} />
          <ProxiedRepositories id={proxy.id} count={proxy.repositoryCount} />
        </div>
      )}
      {edit === undefined || proxy === undefined ? null : (
        <ProxyDialog
          id={proxy.id}
          onClose={(saved = basePath) =>
            void navigate({ params: { _splat: saved }, search: {}, replace: true })
          }
        />
      )}
    </Page>
  );
}

interface ActionProps {
  readonly id: string;
  readonly basePath: string;
  readonly onEdit: () => void;
}

/** Edit and delete, as far as the caller may. */
function Actions({ id, basePath, onEdit }: ActionProps) {
  const may = useMay();
  const navigate = useNavigate();
  const deletion = useSubmit(DeleteProxy, (data) => data.proxyDelete);
  if (!may('MAINTAINER', basePath)) return null;
  return (
    <>
      <Button variant="default" onClick={onEdit}>
        Edit…
      </Button>
      <DeleteButton
        id={id}
        question={`The proxy ${basePath} is deleted. The repositories that it has made stay.`}
        deletion={deletion}
        onDone={() => void navigate({ to: '/proxies' })}
      />
    </>
  );
}
