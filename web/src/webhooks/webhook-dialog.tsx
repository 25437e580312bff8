import { Select, Switch, TagsInput, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useQuery } from 'urql';
import { useSubmit } from '../graphql/use-submit.ts';
import { EditDialog } from '../shared/forms/edit-dialog.tsx';
import { changesOf, useValues } from '../shared/forms/fields.ts';
import type { FieldProps } from '../shared/forms/fields.ts';
import { LoadingDialog } from '../shared/forms/loading-dialog.tsx';
import { TextLists } from '../shared/forms/text-lists.tsx';
import { NewSecret } from './new-secret.tsx';
import { CreateWebhook, UpdateWebhook, WebhookFormQuery } from './webhook-queries.ts';
import { eventNames, formats, valuesOf } from './webhook-values.ts';
import type { Values, Webhook } from './webhook-values.ts';

interface Props {
  /** Undefined: a new one. */
  readonly id: string | undefined;
  /** @param name Of the saved webhook; undefined when nothing was saved. */
  readonly onClose: (name?: string) => void;
}

export function WebhookDialog({ id, onClose }: Props) {
  const [{ data, error }] = useQuery({
    query: WebhookFormQuery,
    variables: { id: id ?? '', known: id !== undefined },
  });
  if (id === undefined || data?.webhook != null)
    return <WebhookForm webhook={data?.webhook ?? undefined} onClose={onClose} />;
  return (
    <LoadingDialog
      title="Webhook"
      noun="webhook"
      isLoaded={data !== undefined}
      error={error}
      onClose={() => onClose()}
    />
  );
}

interface FormProps {
  readonly webhook: (Webhook & { readonly id: string }) | undefined;
  readonly onClose: Props['onClose'];
}

function WebhookForm({ webhook, onClose }: FormProps) {
  const { stored, values, set } = useValues(() => valuesOf(webhook));
  const [secret, setSecret] = useState<string>();
  const creation = useSubmit(CreateWebhook, (result) => result.webhookCreate);
  const update = useSubmit(UpdateWebhook, (result) => result.webhookUpdate);
  const form = webhook === undefined ? creation : update;
  const save = async () => {
    if (webhook === undefined) {
      const done = await creation.submit({ input: values });
      if (done !== undefined) setSecret(done.secret ?? '');
      return;
    }
    const done = await update.submit({ input: { id: webhook.id, ...changesOf(values, stored) } });
    if (done !== undefined) onClose(done.webhook?.name);
  };
  if (secret !== undefined)
    return <NewSecret name={values.name} secret={secret} onClose={() => onClose(values.name)} />;
  return (
    <EditDialog
      title={webhook === undefined ? 'New webhook' : webhook.name}
      onClose={() => onClose()}
      onSubmit={() => void save()}
      submitLabel={webhook === undefined ? 'Create' : 'Save'}
      busy={form.busy}
      error={form.error}
      others={form.elsewhere(...Object.keys(values))}
    >
      <WebhookFields values={values} set={set} at={form.at} />
    </EditDialog>
  );
}

const repositoryLists = [
  {
    field: 'repositories',
    label: 'Repositories',
    description: 'Globs, for example team/**; empty: all that you may read',
  },
] as const;

function WebhookFields({ values, set, at }: FieldProps<Values>) {
  return (
    <>
      <TextInput
        label="Name"
        required
        value={values.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
        error={at('name')}
        data-autofocus
      />
      <TextInput
        label="URL"
        description="Where events are sent by POST, for example https://ci.example/hooks/tidemark"
        required
        value={values.url}
        onChange={(event) => set({ url: event.currentTarget.value })}
        error={at('url')}
      />
      <TagsInput
        label="Events"
        description="Names or globs, for example repository.sync.*; empty: all"
        data={eventNames}
        acceptValueOnBlur
        splitChars={[]}
        value={values.events}
        onChange={(events) => set({ events })}
        error={at('events')}
      />
      <TextLists
        lists={repositoryLists}
        values={values}
        onChange={(field, texts) => set({ [field]: texts })}
        at={at}
      />
      <Select
        label="Format"
        allowDeselect={false}
        data={[...formats]}
        value={values.format}
        onChange={(format) => format !== null && set({ format })}
        error={at('format')}
      />
      <Switch
        label="Send events"
        checked={values.enabled}
        onChange={(event) => set({ enabled: event.currentTarget.checked })}
      />
    </>
  );
}
