import type { Submit } from '../../graphql/use-submit.ts';
import { ConfirmButton } from './confirm-button.tsx';

interface Props {
  readonly id: string;
  /** What will happen, as a sentence. */
  readonly question: string;
  readonly deletion: Submit<{ readonly input: { readonly id: string } }, unknown>;
  readonly onDone: () => void;
}

/** Deletes the object of a form, after a question. */
export function DeleteButton({ id, question, deletion, onDone }: Props) {
  return (
    <ConfirmButton
      label="Delete"
      question={question}
      submission={deletion}
      onConfirm={async () => {
        if ((await deletion.submit({ input: { id } })) !== undefined) onDone();
      }}
    />
  );
}
