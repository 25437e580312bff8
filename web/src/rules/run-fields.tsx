import { Checkbox, NumberInput, SegmentedControl, Stack, TextInput } from '@mantine/core';
import type { FieldProps } from './rule-values.ts';

const kinds = [
  { value: 'none', label: 'By hand' },
  { value: 'interval', label: 'At an interval' },
  { value: 'cron', label: 'By a cron expression' },
];
const hour = 3_600;

/** When the rule runs by itself. */
export function RunFields({ values, set, at }: FieldProps) {
  const { cron, intervalSeconds, timeZone, paused } = values;
  const kind = cron !== null ? 'cron' : intervalSeconds !== null ? 'interval' : 'none';
  const choose = (chosen: string) =>
    set({
      cron: chosen === 'cron' ? '0 * * * *' : null,
      intervalSeconds: chosen === 'interval' ? hour : null,
    });
  return (
    <Stack gap="sm">
      <SegmentedControl aria-label="Runs" value={kind} onChange={choose} data={kinds} />
      {kind === 'interval' ? (
        <NumberInput
          label="Every … minutes"
          min={1}
          value={(intervalSeconds ?? hour) / 60}
          onChange={(minutes) =>
            typeof minutes === 'number' && set({ intervalSeconds: Math.round(minutes * 60) })
          }
          error={at('intervalSeconds')}
        />
      ) : null}
      {kind === 'cron' ? (
        <>
          <TextInput
            label="Cron expression"
            description="Minute, hour, day, month, weekday"
            value={cron ?? ''}
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
      ) : null}
      {kind === 'none' ? null : (
        <Checkbox
          label="Paused: it does not run by itself"
          checked={paused}
          onChange={(event) => set({ paused: event.currentTarget.checked })}
          error={at('paused')}
        />
      )}
    </Stack>
  );
}
