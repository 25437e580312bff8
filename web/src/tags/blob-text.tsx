import { Button, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from 'urql';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { BlobTextQuery } from './blob-query.ts';
import { formatDocument } from './manifest-text.ts';
import classes from './tags.module.css';

interface Props {
  readonly id: string;
  readonly label: string;
}

/** A document, such as an SBOM or an attestation, read when it is asked for. */
export function BlobText({ id, label }: Props) {
  const [opened, { toggle }] = useDisclosure();
  const [{ data, error }] = useQuery({ query: BlobTextQuery, variables: { id }, pause: !opened });
  const node = data?.node;
  const text = node?.__typename === 'Blob' ? node.text : undefined;
  return (
    <div className={classes.raw}>
      <Button size="compact-xs" variant="subtle" onClick={toggle} aria-expanded={opened}>
        {opened ? `Hide ${label}` : `Show ${label}`}
      </Button>
      <Problem error={error} />
      {opened && data === undefined && error === undefined ? <RowsSkeleton rows={3} height={14} /> : null}
      {opened && text === null ? (
        <Text size="xs" c="dimmed">
          It is no text, has more than 4 MiB, or is not stored.
        </Text>
      ) : null}
      {opened && text != null ? <pre tabIndex={0}>{formatDocument(text)}</pre> : null}
    </div>
  );
}
