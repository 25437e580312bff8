import { useClipboard } from '@mantine/hooks';
import type { ClipboardEvent } from 'react';
import { shortDigest } from '../../../src/cli/progress/format.ts';
import classes from './shared.module.css';

interface Props {
  readonly value: string | null | undefined;
}

/** Twelve characters of a digest; a click copies it whole. Long lists have many, so it is made of nothing but a button. */
export function Digest({ value }: Props) {
  const { copied, copy } = useClipboard({ timeout: 1_200 });
  if (value === null || value === undefined) return <span className={classes.dim}>absent</span>;
  const short = shortDigest(value).split(':')[1];
  return (
    <button
      type="button"
      title={value}
      className={classes.digest}
      data-copied={copied || undefined}
      aria-label={`${copied ? 'Copied' : 'Copy'} digest ${short}: ${value}`}
      onClick={(event) => {
        event.stopPropagation();
        copy(value);
      }}
      onCopy={(event: ClipboardEvent) => {
        event.preventDefault();
        event.clipboardData.setData('text/plain', value);
      }}
    >
      {short}
    </button>
  );
}
