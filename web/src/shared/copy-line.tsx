import { ActionIcon, CopyButton, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '../frame/icons.ts';
import classes from './shared.module.css';

interface Props {
  readonly text: string;
  readonly label: string;
}

/** A command with a button that copies it. */
export function CopyLine({ text, label }: Props) {
  return (
    <div className={classes.copyLine}>
      <code tabIndex={0}>{text}</code>
      <CopyButton value={text} timeout={1_500}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? 'Copied' : label}>
            <ActionIcon variant="subtle" color="gray" onClick={copy} aria-label={copied ? 'Copied' : label}>
              {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </div>
  );
}
