import { Group, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import classes from './shared.module.css';

interface Props {
  readonly title: string;
  readonly subtitle?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function Page({ title, subtitle, actions, children }: Props) {
  useDocumentTitle(`${title} · Tidemark`);
  return (
    <div className={classes.page}>
      <Group justify="space-between" align="flex-start" gap="sm" mb="md" wrap="wrap">
        <div className={classes.pageHead}>
          <Title order={1} size="h3" className={classes.pageTitle}>
            {title}
          </Title>
          {subtitle === undefined ? null : (
            <Text size="sm" c="dimmed" component="div" mt={2}>
              {subtitle}
            </Text>
          )}
        </div>
        <Group gap="xs">{actions}</Group>
      </Group>
      {children}
    </div>
  );
}
