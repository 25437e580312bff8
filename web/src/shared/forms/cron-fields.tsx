import { NumberInput, TextInput } from '@mantine/core';

interface IntervalProps {
  readonly minutes: number;
  readonly onChange: (minutes: number) => void;
  readonly error: string | undefined;
}

export function IntervalField({ minutes, onChange, error }: IntervalProps) {
  return (
    <NumberInput
      label="Every … minutes"
      min={1}
      value={minutes}
      onChange={(value) => typeof value === 'number' && onChange(value)}
      error={error}
    />
  );
}

interface CronProps {
  readonly cron: string;
  readonly timeZone: string;
  readonly set: (changes: { readonly cron?: string; readonly timeZone?: string }) => void;
  /** The API's messages for a field. */
  readonly at: (field: string) => string | undefined;
}

export function CronFields({ cron, timeZone, set, at }: CronProps) {
  return (
    <>
      <TextInput
        label="Cron expression"
        description="Minute, hour, day, month, weekday"
        value={cron}
        onChange={(event) => set({ cron: event.currentTarget.value })}
        error={at('cron')}
      />
      <TextInput
        label="Time zone"
        description="For example Europe/Berlin"
        value={timeZone}
        onChange={(event) => set({ timeZone: event.currentTarget.value })}
        error={at('timeZone')}
      />
    </>
  );
}
