import classes from '../shared/shared.module.css';

interface Props {
  readonly manifest: {
    readonly platform: string | null;
    readonly artifactType: string | null;
    readonly children: readonly { readonly platform: string | null; readonly isStored: boolean }[];
  };
}

/** The platforms of an image as chips; the type of an artifact. */
export function Platforms({ manifest: { platform, artifactType, children } }: Props) {
  const all =
    children.length === 0
      ? [platform]
      : children.filter(({ isStored }) => isStored).map((child) => child.platform);
  const named = all.filter((each) => each !== null && !each.startsWith('unknown')) as string[];
  const absent = children.filter(({ isStored }) => !isStored).length;
  if (named.length === 0) return <span className={classes.dim}>{artifactType ?? 'artifact'}</span>;
  return (
    <span className={classes.chips} title={named.join(', ')}>
      {named.slice(0, 3).map((each) => (
        <span key={each} className={classes.chip}>
          {each.replace(/^linux\//, '')}
        </span>
      ))}
      {named.length > 3 ? <span className={classes.chip}>+{named.length - 3}</span> : null}
      {absent > 0 ? <span className={classes.chip}>{absent} absent</span> : null}
    </span>
  );
}
