import { Checkbox, SegmentedControl, Stack } from '@mantine/core';
import { CronFields, IntervalField } from '../shared/forms/cron-fields.tsx';
import type { RuleProps } from './rule-values.ts';

const kinds = [
  { value: 'none', label: 'By hand' },
  { value: 'interval', label: 'At an interval' },
  { value: 'cron', label: 'By a cron expression' },
];
const hour = 3_600;

/** When the rule runs by itself. */
export function RunFields({ values, set, at }: RuleProps) {
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
        <IntervalField
          minutes={(intervalSeconds ?? hour) / 60}
          onChange={(minutes) => set({ intervalSeconds: Math.round(minutes * 60) })}
          error={at('intervalSeconds')}
        />
      ) : null}
      {kind === 'cron' ? <CronFields cron={cron ?? ''} timeZone={timeZone} set={set} at={at} /> : null}
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
