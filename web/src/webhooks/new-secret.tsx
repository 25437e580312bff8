import { SecretDialog } from '../shared/secret-dialog.tsx';

interface Props {
  readonly name: string;
  readonly secret: string;
  readonly onClose: () => void;
}

/** The secret of a webhook, which is shown once. */
export function NewSecret({ name, secret, onClose }: Props) {
  return (
    <SecretDialog
      title={`Secret of ${name}`}
      advice="Copy the secret now: it is shown once. The endpoint checks signatures with it."
      copyLabel="Copy the secret"
      secret={secret}
      onClose={onClose}
    />
  );
}
