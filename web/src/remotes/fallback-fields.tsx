import { ActionIcon, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconPlus, IconX } from '../frame/icons.ts';
import { Choice } from '../shared/forms/choice.tsx';
import type { Fallback, SettingsProps } from './settings-values.ts';

interface Props extends SettingsProps {
  readonly credentials: readonly { readonly id: string; readonly name: string }[];
}

const mostFallbacks = 10;

export function FallbackFields({ values: { fallbacks }, set, at, credentials }: Props) {
  const change = (index: number, changes: Partial<Fallback>) =>
    set({ fallbacks: fallbacks.map((one, place) => (place === index ? { ...one, ...changes } : one)) });
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        Other places of the same content. They are asked in this order while the upstream cannot be reached,
        answers 5xx, or throttles. From a fallback's list only new tags are taken.
      </Text>
      {fallbacks.map((fallback, index) => (
        <FallbackRow
          // a place has no name of its own
          // oxlint-disable-next-line react/no-array-index-key
          key={index}
          number={index + 1}
          fallback={fallback}
          credentials={credentials}
          onChange={(changes) => change(index, changes)}
          onRemove={() => set({ fallbacks: fallbacks.filter((_, place) => place !== index) })}
        />
      ))}
      {at('fallbacks') === undefined ? null : (
        <Text size="sm" c="red" role="alert">
          {at('fallbacks')}
        </Text>
      )}
      <Button
        variant="subtle"
        size="compact-sm"
        style={{ alignSelf: 'flex-start' }}
        leftSection={<IconPlus size={14} aria-hidden />}
        disabled={fallbacks.length >= mostFallbacks}
        onClick={() => set({ fallbacks: [...fallbacks, noFallback] })}
      >
        Add a fallback
      </Button>
    </Stack>
  );
}

interface RowProps {
  /** Of the place, from 1. */
  readonly number: number;
  readonly fallback: Fallback;
  readonly credentials: Props['credentials'];
  readonly onChange: (changes: Partial<Fallback>) => void;
  readonly onRemove: () => void;
}

function FallbackRow({ number, fallback, credentials, onChange, onRemove }: RowProps) {
  return (
    <Group align="flex-end" gap="xs" wrap="nowrap">
      <TextInput
        label={`Registry of fallback ${number}`}
        required
        style={{ flex: 2 }}
        value={fallback.url}
        onChange={(event) => onChange({ url: event.currentTarget.value })}
      />
      <TextInput
        label="Repository"
        placeholder="The same name"
        style={{ flex: 2 }}
        value={fallback.upstreamName ?? ''}
        onChange={(event) => onChange({ upstreamName: event.currentTarget.value || null })}
      />
      <div style={{ flex: 1.5 }}>
        <Choice
          label="Credential"
          none="None"
          value={fallback.credentialId}
          options={credentials}
          onChange={(credentialId) => onChange({ credentialId })}
        />
      </div>
      <ActionIcon variant="subtle" aria-label={`Remove fallback ${number}`} mb={4} onClick={onRemove}>
        <IconX size={16} aria-hidden />
      </ActionIcon>
    </Group>
  );
}

const noFallback: Fallback = {
  url: '',
  upstreamName: null,
  credentialId: null,
  proxyUrl: null,
  sslCaCertificate: null,
  sslValidation: true,
};
