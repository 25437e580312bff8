import { Alert, Button, Popover, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { Submit } from '../../graphql/use-submit.ts';
import { Problem } from '../problem.tsx';

interface Props {
  readonly label: string;
  /** What will happen, as a sentence. */
  readonly question: string;
  readonly onConfirm: () => Promise<unknown>;
  readonly submission: Pick<Submit<never, unknown>, 'busy' | 'elsewhere' | 'error'>;
}

/** A button that asks once more. */
export function ConfirmButton({ label, question, onConfirm, submission }: Props) {
  const { busy, error } = submission;
  const mistakes = submission.elsewhere();
  const [opened, { close, toggle }] = useDisclosure();
  return (
    <Popover opened={opened} onDismiss={close} trapFocus withArrow shadow="md" width={300}>
      <Popover.Target>
        <Button variant="subtle" color="red" size="compact-sm" onClick={toggle}>
          {label}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={label}>
        <Stack gap="xs">
          <Text size="sm">{question}</Text>
          {mistakes.length > 0 ? <Alert color="red">{mistakes.join(' ')}</Alert> : null}
          <Problem error={error} />
          <Button color="red" size="xs" loading={busy} onClick={() => void onConfirm()}>
            {label}
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
