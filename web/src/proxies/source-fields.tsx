import { Stack, TextInput } from '@mantine/core';
import { LoginFields } from '../shared/forms/login-fields.tsx';
import { TextLists } from '../shared/forms/text-lists.tsx';
import type { ProxyProps } from './proxy-values.ts';

interface Props extends ProxyProps {
  readonly isNew: boolean;
  readonly credentials: readonly { readonly id: string; readonly name: string }[];
}

const lists = [
  {
    field: 'namespaces',
    label: 'Hosts of image names',
    description: 'For example docker.io: containerd and others ask for such a host in ?ns=',
  },
] as const;

/** The registry, the login there, and under which names clients pull. */
export function SourceFields({ values, set, at, isNew, credentials }: Props) {
  return (
    <Stack gap="sm">
      <TextInput
        label="Base path"
        description="For example docker.io: clients pull host/docker.io/library/nginx"
        required
        value={values.basePath}
        onChange={(event) => set({ basePath: event.currentTarget.value })}
        error={at('basePath')}
        data-autofocus
      />
      <TextInput
        label="Registry"
        description="For example https://registry-1.docker.io"
        required
        value={values.url}
        onChange={(event) => set({ url: event.currentTarget.value })}
        error={at('url')}
      />
      <LoginFields
        values={values}
        set={set}
        at={at}
        credentials={credentials}
        passwordHint={isNew ? '' : 'Empty: the stored one is kept'}
      />
      <TextLists lists={lists} values={values} onChange={(field, texts) => set({ [field]: texts })} at={at} />
    </Stack>
  );
}
