import { Text } from '@mantine/core';
import type { ReactNode } from 'react';

interface Props {
  readonly title: string;
  readonly count: number;
  readonly children: ReactNode;
}

/** A part of the panel; absent when it has no elements. */
export function Section({ title, count, children }: Props) {
  if (count === 0) return null;
  return (
    <section aria-label={title}>
      <Text component="h3" size="xs" fw={600} c="dimmed" mt="md" mb={4}>
        {title} <span>({count})</span>
      </Text>
      {children}
    </section>
  );
}
