import type { Change } from './describe-change.ts';
import classes from './versions.module.css';

const kinds = [
  { kind: 'added', sign: '+' },
  { kind: 'moved', sign: '~' },
  { kind: 'removed', sign: '−' },
] as const;

/** `+1 ~1 −1`. */
export function ChangeCounts({ change }: { readonly change: Change }) {
  const shown = kinds.filter(({ kind }) => change[kind].count > 0);
  if (shown.length === 0) return <span className={classes.counts}>no tag changed</span>;
  return (
    <span className={classes.counts}>
      {shown.map(({ kind, sign }) => (
        <span key={kind} data-kind={kind} title={`${change[kind].count} ${kind}`}>
          {sign}
          {change[kind].count.toLocaleString()}
          <span className={classes.hidden}> {kind}</span>
        </span>
      ))}
    </span>
  );
}
