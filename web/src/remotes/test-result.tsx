import { Paper, Text } from '@mantine/core';
import { StateMark } from '../shared/state-mark.tsx';
import type { Tone } from '../shared/state-mark.tsx';

interface Props {
  readonly test: {
    readonly passed: boolean;
    readonly answeredInMs: number | null;
    readonly steps: readonly { readonly name: string; readonly outcome: string; readonly message: string }[];
  };
}

const tones: Record<string, Tone> = { PASSED: 'good', WARNING: 'late', FAILED: 'bad', SKIPPED: 'rest' };

/** The steps of a remote test. */
export function TestResult({ test }: Props) {
  return (
    <Paper withBorder p="sm" radius="md" component="section" aria-label="Test" role="status">
      <Text size="sm" fw={600} mb={4}>
        {test.passed ? 'A sync can start' : 'A sync would fail'}
        {test.answeredInMs === null ? '' : `; first response after ${test.answeredInMs} ms`}
      </Text>
      {test.steps.map(({ name, outcome, message }) => (
        <Text key={name} size="sm" component="div">
          <StateMark tone={tones[outcome] ?? 'rest'}>{outcome.toLowerCase()}</StateMark> {message}
        </Text>
      ))}
    </Paper>
  );
}
