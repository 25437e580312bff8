import { Box, Group, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './shared.module.css';

interface Props {
  readonly title: string;
  /** The next step, as a sentence. */
  readonly children: ReactNode;
  readonly action?: ReactNode;
}

/** A list without elements: says what belongs here, and offers the next step. */
export function Empty({ title, children, action }: Props) {
  return (
    <Box className={classes.empty}>
      <svg viewBox="0 0 120 34" width="120" height="34" aria-hidden className={classes.emptyArt}>
        <path d="M4 8h112" />
        <path d="M4 18c9-8 19-8 28 0s19 8 28 0 19-8 28 0 19 8 28 0" />
        <path d="M4 28c9-8 19-8 28 0s19 8 28 0 19-8 28 0 19 8 28 0" />
      </svg>
      <Title order={2} size="h4">
        {title}
      </Title>
      <Text c="dimmed" size="sm" maw={460} mx="auto" component="div">
        {children}
      </Text>
      {action === undefined ? null : (
        <Group justify="center" mt="md">
          {action}
        </Group>
      )}
    </Box>
  );
}
