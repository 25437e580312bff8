import { Alert, Button, Group, Modal, Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import type { CombinedError } from 'urql';
import { Problem } from '../problem.tsx';

interface Props {
  readonly title: string;
  readonly onClose: () => void;
  readonly onSubmit: () => void;
  readonly submitLabel: string;
  readonly busy: boolean;
  readonly error: CombinedError | undefined;
  /** Messages for fields that the form does not show. */
  readonly others: readonly string[];
  /** Beside the buttons, at the left. */
  readonly aside?: ReactNode;
  readonly children: ReactNode;
  readonly size?: string;
}

/** A form in a dialog. An error keeps what was typed. */
export function EditDialog(props: Props) {
  const { title, onClose, onSubmit, submitLabel, busy, error, others, aside, children, size = 'lg' } = props;
  return (
    <Modal opened onClose={onClose} title={title} size={size}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        <Stack gap="sm">
          {children}
          {others.length > 0 ? <Alert color="red">{others.join(' ')}</Alert> : null}
          <Problem error={error} />
          <Group justify="space-between">
            <div>{aside}</div>
            <Group gap="xs">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={busy}>
                {submitLabel}
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
