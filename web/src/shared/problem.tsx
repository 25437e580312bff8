import { Alert, Button } from '@mantine/core';
import type { CombinedError } from 'urql';
import { adviceFor } from './advice.ts';

interface Props {
  readonly error: CombinedError | undefined;
  readonly onRetry?: (() => void) | undefined;
}

/** A failed request: what happened, and what to do. */
export function Problem({ error, onRetry }: Props) {
  if (error === undefined) return null;
  const { title, message } = adviceFor(error);
  return (
    <Alert color="red" variant="light" title={title} role="alert" my="sm">
      {message}
      {onRetry === undefined ? null : (
        <Button size="compact-sm" variant="default" mt="xs" display="block" onClick={onRetry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}
