import { Checkbox, Group, NumberInput, Stack, TextInput, Textarea } from '@mantine/core';
import type { SettingsProps } from './settings-values.ts';

export function ConnectionFields(fields: SettingsProps) {
  const { values, set, at } = fields;
  return (
    <Stack gap="sm">
      <BudgetFields {...fields} />
      <TextInput
        label="Proxy"
        description="http://[user:password@]host:port"
        value={values.proxyUrl ?? ''}
        onChange={(event) => set({ proxyUrl: event.currentTarget.value || null })}
        error={at('proxyUrl')}
      />
      <Checkbox
        label="Verify the upstream's certificate"
        checked={values.sslValidation}
        onChange={(event) => set({ sslValidation: event.currentTarget.checked })}
        error={at('sslValidation')}
      />
      <Textarea
        label="Certificate authorities"
        description="PEM, trusted in addition to the system's"
        autosize
        minRows={3}
        maxRows={8}
        value={values.sslCaCertificate ?? ''}
        onChange={(event) => set({ sslCaCertificate: event.currentTarget.value || null })}
        error={at('sslCaCertificate')}
      />
    </Stack>
  );
}

/** How much is asked of the upstream, and when. */
function BudgetFields({ values, set, at }: SettingsProps) {
  return (
    <>
      <Group grow align="flex-start">
        <NumberInput
          label="Concurrent requests"
          min={1}
          max={100}
          value={values.downloadConcurrency}
          onChange={(value) => typeof value === 'number' && set({ downloadConcurrency: value })}
          error={at('downloadConcurrency')}
        />
        <NumberInput
          label="Requests per second"
          description="Empty: no limit"
          min={1}
          value={values.rateLimit ?? ''}
          onChange={(value) => set({ rateLimit: typeof value === 'number' ? value : null })}
          error={at('rateLimit')}
        />
      </Group>
      <Group grow align="flex-start">
        <TextInput
          label="Bandwidth"
          description="20MB/s, or 06:00-22:00 20MB/s, else off (Europe/Berlin); empty: no limit"
          value={values.bytesPerSecond ?? ''}
          onChange={(event) => set({ bytesPerSecond: event.currentTarget.value || null })}
          error={at('bytesPerSecond')}
        />
        <NumberInput
          label="Reserved requests"
          description="Of the registry's announced quota, for others; empty: none"
          min={1}
          value={values.reserveRequests ?? ''}
          onChange={(value) => set({ reserveRequests: typeof value === 'number' ? value : null })}
          error={at('reserveRequests')}
        />
      </Group>
      <Textarea
        label="Sync windows"
        description="One a line, such as Mon-Fri 22:00-06:00 (Europe/Berlin) or Sat-Sun; empty: always"
        autosize
        minRows={1}
        maxRows={6}
        value={values.syncWindows?.join('\n') ?? ''}
        onChange={(event) => set({ syncWindows: linesOf(event.currentTarget.value) })}
        error={at('syncWindows')}
      />
    </>
  );
}

function linesOf(text: string): string[] | null {
  return text === '' ? null : text.split('\n');
}
