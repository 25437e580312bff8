import { Modal } from '@mantine/core';
import type { CombinedError } from 'urql';
import { Problem } from '../problem.tsx';
import { RowsSkeleton } from '../rows-skeleton.tsx';

interface Props {
  readonly title: string;
  readonly noun: string;
  readonly isLoaded: boolean;
  readonly error: CombinedError | undefined;
  readonly onClose: () => void;
  readonly size?: string;
}

/** In place of a form whose object is being read, could not be read, or is gone. */
export function LoadingDialog({ title, noun, isLoaded, error, onClose, size = 'md' }: Props) {
  return (
    <Modal opened onClose={onClose} title={title} size={size}>
      <Problem error={error} />
      {!isLoaded && error === undefined ? <RowsSkeleton /> : null}
      {isLoaded ? `This ${noun} no longer exists.` : null}
    </Modal>
  );
}
