import { Alert, Button } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useSubmit } from '../graphql/use-submit.ts';
import { useMay } from '../session/viewer.ts';
import { ConfirmButton } from '../shared/forms/confirm-button.tsx';
import { DeleteButton } from '../shared/forms/delete-button.tsx';
import { NewSecret } from './new-secret.tsx';
import { DeleteWebhook, RotateWebhookSecret, TestWebhook } from './webhook-queries.ts';

interface Props {
  readonly id: string;
  readonly name: string;
  readonly onEdit: () => void;
}

/** What a maintainer can do with a webhook. */
export function WebhookActions({ id, name, onEdit }: Props) {
  const may = useMay();
  const navigate = useNavigate();
  const [secret, setSecret] = useState<string>();
  const test = useSubmit(TestWebhook, (data) => data.webhookTest);
  const rotation = useSubmit(RotateWebhookSecret, (data) => data.webhookRotateSecret);
  const deletion = useSubmit(DeleteWebhook, (data) => data.webhookDelete);
  if (!may('MAINTAINER', name)) return null;
  const mistakes = [...test.elsewhere(), ...(test.error === undefined ? [] : [test.error.message])];
  return (
    <>
      {mistakes.length > 0 ? <Alert color="red">{mistakes.join(' ')}</Alert> : null}
      <Button loading={test.busy} onClick={() => void test.submit({ input: { id } })}>
        Send a ping
      </Button>
      <Button variant="default" onClick={onEdit}>
        Edit…
      </Button>
      <ConfirmButton
        label="New secret"
        question="The present secret signs messages as well for a day. Then only the new one does."
        submission={rotation}
        onConfirm={async () => {
          const done = await rotation.submit({ input: { id } });
          if (done !== undefined) setSecret(done.secret ?? '');
        }}
      />
      <DeleteButton
        id={id}
        question={`The webhook ${name} is deleted with its deliveries.`}
        deletion={deletion}
        onDone={() => void navigate({ to: '/webhooks' })}
      />
      {secret === undefined ? null : (
        <NewSecret name={name} secret={secret} onClose={() => setSecret(undefined)} />
      )}
    </>
  );
}
