import { Alert } from '@mantine/core';

/** Messages of userErrors that belong to no field. */
export function Mistakes({ messages }: { readonly messages: readonly string[] }) {
  return messages.length === 0 ? null : (
    <Alert color="red" role="alert">
      {messages.join(' ')}
    </Alert>
  );
}
