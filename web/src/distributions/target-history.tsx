import { Text } from '@mantine/core';
import { When } from '../shared/when.tsx';

interface Props {
  readonly moves: readonly {
    readonly movedAt: string;
    readonly fromVersionNumber: number | null;
    readonly toVersionNumber: number | null;
    readonly toRepository: { readonly name: string } | null;
  }[];
}

/** What a distribution has served before. */
export function TargetHistory({ moves }: Props) {
  if (moves.length === 0) return null;
  return (
    <section aria-label="Target history">
      <Text size="xs" c="dimmed" fw={600}>
        Target history
      </Text>
      {moves.map(({ movedAt, fromVersionNumber, toVersionNumber, toRepository }) => (
        <Text key={movedAt} size="sm">
          <When at={movedAt} />: {fromVersionNumber === null ? 'the latest' : `v${fromVersionNumber}`} →{' '}
          {toVersionNumber === null ? 'the latest' : `v${toVersionNumber}`} of{' '}
          {toRepository?.name ?? 'a deleted repository'}
        </Text>
      ))}
    </section>
  );
}
