import { Button } from '@mantine/core';
import { useClipboard, useDisclosure } from '@mantine/hooks';
import { formatDocument } from './manifest-text.ts';
import classes from './tags.module.css';

/** The document, readable; the button copies its exact bytes. */
export function RawManifest({ raw }: { readonly raw: string }) {
  const [opened, { toggle }] = useDisclosure();
  const { copied, copy } = useClipboard();
  return (
    <div className={classes.raw}>
      <Button size="compact-xs" variant="subtle" onClick={toggle} aria-expanded={opened}>
        {opened ? 'Hide the document' : 'Show the document'}
      </Button>
      <Button size="compact-xs" variant="subtle" onClick={() => copy(raw)}>
        {copied ? 'Copied' : 'Copy'}
      </Button>
      {opened ? <pre tabIndex={0}>{formatDocument(raw)}</pre> : null}
    </div>
  );
}
