import { Button, Center } from '@mantine/core';
import { Empty } from '../shared/empty.tsx';

interface Props {
  readonly message: string;
  readonly onRetry: () => void;
}

/** The page while the server does not answer. */
export function Unreachable({ message, onRetry }: Props) {
  return (
    <Center component="main" mih="100vh" p="md">
      <Empty title="The server did not answer" action={<Button onClick={onRetry}>Try again</Button>}>
        {message} Check that the API process runs, for example with /healthz.
      </Empty>
    </Center>
  );
}
