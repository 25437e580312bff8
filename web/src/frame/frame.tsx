import { ActionIcon, Drawer } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Outlet } from '@tanstack/react-router';
import { CallerMenu } from './caller-menu.tsx';
import classes from './frame.module.css';
import { IconMenu2 } from './icons.ts';
import { Mark } from './mark.tsx';
import { Navigation } from './navigation.tsx';
import { SearchField } from './search-field.tsx';

/** What stays while pages change. */
export function Frame() {
  const [opened, { open, close }] = useDisclosure();
  return (
    <div className={classes.frame}>
      <a className={classes.skip} href="#content">
        Skip to content
      </a>
      <aside className={classes.side} aria-label="Console">
        <Mark />
        <Navigation />
      </aside>
      <section className={classes.top} aria-label="Search and account">
        <ActionIcon
          className={classes.burger}
          variant="subtle"
          color="gray"
          aria-label="Open the menu"
          onClick={open}
        >
          <IconMenu2 size={20} />
        </ActionIcon>
        <SearchField />
        <CallerMenu />
      </section>
      <main id="content" className={classes.main} tabIndex={-1}>
        <Outlet />
      </main>
      <Drawer
        opened={opened}
        onClose={close}
        size={240}
        title={<Mark />}
        closeButtonProps={{ 'aria-label': 'Close the menu' }}
      >
        <Navigation onNavigate={close} />
      </Drawer>
    </div>
  );
}
