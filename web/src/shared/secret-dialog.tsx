import { Alert, Button, Group, Modal, Stack } from '@mantine/core';
import { CopyLine } from './copy-line.tsx';

interface Props {
  readonly title: string;
  /** What it is, and that it is shown once. */
  readonly advice: string;
  /** Of the button. */
  readonly copyLabel: string;
  readonly secret: string;
  readonly onClose: () => void;
}

/** A secret that is shown once. */
export function SecretDialog({ title, advice, copyLabel, secret, onClose }: Props) {
  return (
    <Modal opened onClose={onClose} title={title} closeOnClickOutside={false}>
      <Stack gap="sm">
        <Alert color="yellow" variant="light">
          {advice}
        </Alert>
        <CopyLine text={secret} label={copyLabel} />
        <Group justify="flex-end">
          <Button onClick={onClose}>Done</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
