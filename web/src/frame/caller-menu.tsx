import { Button, Menu, useMantineColorScheme } from '@mantine/core';
import { logOut, useSession } from '../session/session.ts';
import classes from './frame.module.css';
import { IconExternalLink, IconLogout } from './icons.ts';

const themes = [
  { value: 'auto', label: 'Theme: as the system' },
  { value: 'light', label: 'Theme: light' },
  { value: 'dark', label: 'Theme: dark' },
] as const;

/** Who is logged in, the theme, and the way out. */
export function CallerMenu() {
  const session = useSession();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const isLoggedIn = session.login !== 'none' && session.caller !== null;
  const name = isLoggedIn ? session.caller?.name : 'No logins';
  return (
    <Menu position="bottom-end" width={230}>
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          size="compact-md"
          className={classes.caller}
          c="var(--mantine-color-text)"
        >
          {name}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {!isLoggedIn
            ? 'Logins are off: everyone who reaches this server may do everything'
            : `${session.caller?.kind}${session.version === null ? '' : ` · Tidemark ${session.version}`}`}
        </Menu.Label>
        {themes.map(({ value, label }) => (
          <Menu.Item
            key={value}
            onClick={() => setColorScheme(value)}
            aria-current={colorScheme === value || undefined}
          >
            {label}
            {colorScheme === value ? ' ✓' : ''}
          </Menu.Item>
        ))}
        {session.temporalUiUrl === null ? null : (
          <Menu.Item component="a" href={session.temporalUiUrl} rightSection={<IconExternalLink size={14} />}>
            Temporal's UI
          </Menu.Item>
        )}
        {!isLoggedIn ? null : (
          <Menu.Item
            leftSection={<IconLogout size={16} />}
            onClick={() => void logOut().finally(() => window.location.assign('/'))}
          >
            Log out
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
