import { Skeleton, Stack } from '@mantine/core';

interface Props {
  readonly rows?: number;
  readonly height?: number;
}

/** The place of rows that are being read. */
export function RowsSkeleton({ rows = 6, height = 30 }: Props) {
  return (
    <Stack gap={8} role="status" aria-label="Loading" py="xs">
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={height} width={`${100 - ((row * 7) % 20)}%`} radius="sm" />
      ))}
    </Stack>
  );
}
