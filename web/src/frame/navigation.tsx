import { Link } from '@tanstack/react-router';
import classes from './frame.module.css';
import * as icons from './icons.ts';

const pages = [
  { to: '/', label: 'Overview', icon: icons.IconLayoutDashboard },
  { to: '/repositories', label: 'Repositories', icon: icons.IconPackages },
  { to: '/remotes', label: 'Remotes', icon: icons.IconCloudDown },
  { to: '/rules', label: 'Mirror rules', icon: icons.IconCopyPlus },
  { to: '/proxies', label: 'Proxies', icon: icons.IconArrowsExchange },
  { to: '/credentials', label: 'Credentials', icon: icons.IconLogin2 },
  { to: '/distributions', label: 'Distributions', icon: icons.IconBroadcast },
  { to: '/schedules', label: 'Schedules', icon: icons.IconCalendarTime },
  { to: '/tasks', label: 'Tasks', icon: icons.IconListDetails },
  { to: '/webhooks', label: 'Webhooks', icon: icons.IconWebhook },
  { to: '/policies', label: 'Policies', icon: icons.IconShieldCheck },
  { to: '/access', label: 'Access', icon: icons.IconKey },
  { to: '/upkeep', label: 'Upkeep', icon: icons.IconEraser },
] as const;

export function Navigation({ onNavigate }: { readonly onNavigate?: () => void }) {
  return (
    <nav className={classes.nav} aria-label="Pages">
      {pages.map(({ to, label, icon: PageIcon }) => (
        <Link
          key={to}
          to={to}
          activeOptions={{ exact: to === '/', includeSearch: false }}
          onClick={() => onNavigate?.()}
        >
          <PageIcon size={18} stroke={1.6} aria-hidden />
          <span>{label}</span>
        </Link>
      ))}
      <a href="/graphiql" className={classes.apart}>
        <icons.IconApi size={18} stroke={1.6} aria-hidden />
        <span>GraphiQL</span>
      </a>
    </nav>
  );
}
