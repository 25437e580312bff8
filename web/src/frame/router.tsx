import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { Frame } from './frame.tsx';
import { Lost } from './lost.tsx';
import { number, oneOf, texts } from './search.ts';

const root = createRootRoute({ component: Frame, notFoundComponent: Lost });
const at = <const Path extends string>(path: Path) => ({ getParentRoute: () => root, path });

const overview = createRoute({
  ...at('/'),
  component: lazyRouteComponent(() => import('../overview/overview-page.tsx'), 'OverviewPage'),
});
/** Where the server sends a login that failed; who is logged in has nothing to do here. */
const login = createRoute({
  ...at('/login'),
  beforeLoad: () => {
    throw redirect({ to: '/' });
  },
});
const freshnesses = ['FRESH', 'LATE', 'FAILING', 'SYNCING', 'UNSCHEDULED'] as const;
const underRepositories = createRoute(at('/repositories'));
const repositories = createRoute({
  getParentRoute: () => underRepositories,
  path: '/',
  validateSearch: (search: Record<string, unknown>) => ({
    ...texts('name', 'new')(search),
    ...oneOf('freshness', freshnesses)(search),
  }),
  component: lazyRouteComponent(() => import('../repositories/repositories-page.tsx'), 'RepositoriesPage'),
});
export const repositoryTabs = ['versions', 'tags', 'history', 'diff', 'pull', 'settings'] as const;
const repository = createRoute({
  getParentRoute: () => underRepositories,
  path: '$',
  validateSearch: (search: Record<string, unknown>) => ({
    ...oneOf('tab', repositoryTabs)(search),
    ...number('version', 'from', 'to', 'restore')(search),
    ...texts('filter', 'tag', 'other', 'sync', 'digest')(search),
  }),
  component: lazyRouteComponent(() => import('../repositories/repository-page.tsx'), 'RepositoryPage'),
});
const taskStates = ['WAITING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELED'] as const;
const tasks = createRoute({
  ...at('/tasks'),
  validateSearch: (search: Record<string, unknown>) => ({
    ...oneOf('state', taskStates)(search),
    ...texts('repository', 'kind')(search),
  }),
  component: lazyRouteComponent(() => import('../tasks/tasks-page.tsx'), 'TasksPage'),
});
const task = createRoute({
  ...at('/tasks/$id'),
  component: lazyRouteComponent(() => import('../tasks/task-page.tsx'), 'TaskPage'),
});
const remotes = createRoute({
  ...at('/remotes'),
  validateSearch: texts('edit'),
  component: lazyRouteComponent(() => import('../remotes/remotes-page.tsx'), 'RemotesPage'),
});
const underRules = createRoute(at('/rules'));
const rules = createRoute({
  getParentRoute: () => underRules,
  path: '/',
  validateSearch: texts('edit'),
  component: lazyRouteComponent(() => import('../rules/rules-page.tsx'), 'RulesPage'),
});
const rule = createRoute({
  getParentRoute: () => underRules,
  path: '$name',
  validateSearch: texts('edit', 'vanished'),
  component: lazyRouteComponent(() => import('../rules/rule-page.tsx'), 'RulePage'),
});
const underProxies = createRoute(at('/proxies'));
const proxies = createRoute({
  getParentRoute: () => underProxies,
  path: '/',
  validateSearch: texts('edit'),
  component: lazyRouteComponent(() => import('../proxies/proxies-page.tsx'), 'ProxiesPage'),
});
const proxy = createRoute({
  getParentRoute: () => underProxies,
  path: '$',
  validateSearch: texts('edit'),
  component: lazyRouteComponent(() => import('../proxies/proxy-page.tsx'), 'ProxyPage'),
});
const underWebhooks = createRoute(at('/webhooks'));
const webhooks = createRoute({
  getParentRoute: () => underWebhooks,
  path: '/',
  validateSearch: texts('edit'),
  component: lazyRouteComponent(() => import('../webhooks/webhooks-page.tsx'), 'WebhooksPage'),
});
const webhook = createRoute({
  getParentRoute: () => underWebhooks,
  path: '$',
  validateSearch: texts('edit'),
  component: lazyRouteComponent(() => import('../webhooks/webhook-page.tsx'), 'WebhookPage'),
});
const distributions = createRoute({
  ...at('/distributions'),
  validateSearch: texts('edit'),
  component: lazyRouteComponent(() => import('../distributions/distributions-page.tsx'), 'DistributionsPage'),
});
const schedules = createRoute({
  ...at('/schedules'),
  validateSearch: texts('edit', 'repository'),
  component: lazyRouteComponent(() => import('../schedules/schedules-page.tsx'), 'SchedulesPage'),
});
const credentials = createRoute({
  ...at('/credentials'),
  validateSearch: texts('edit'),
  component: lazyRouteComponent(() => import('../credentials/credentials-page.tsx'), 'CredentialsPage'),
});
const policies = createRoute({
  ...at('/policies'),
  validateSearch: texts('edit'),
  component: lazyRouteComponent(() => import('../policies/policies-page.tsx'), 'PoliciesPage'),
});
const access = createRoute({
  ...at('/access'),
  validateSearch: oneOf('tab', ['tokens', 'grants']),
  component: lazyRouteComponent(() => import('../access/access-page.tsx'), 'AccessPage'),
});
const upkeep = createRoute({
  ...at('/upkeep'),
  component: lazyRouteComponent(() => import('../upkeep/upkeep-page.tsx'), 'UpkeepPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([
    overview,
    login,
    underRepositories.addChildren([repositories, repository]),
    tasks,
    task,
    remotes,
    underRules.addChildren([rules, rule]),
    underProxies.addChildren([proxies, proxy]),
    underWebhooks.addChildren([webhooks, webhook]),
    distributions,
    schedules,
    credentials,
    policies,
    access,
    upkeep,
  ]),
  defaultPreload: 'intent',
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
