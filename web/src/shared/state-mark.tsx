import classes from './shared.module.css';

export type Tone = 'good' | 'late' | 'bad' | 'live' | 'rest';

const shapes: Record<Tone, string> = {
  good: 'M6 1.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 0 1 0-9z',
  late: 'M6 1.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9z',
  bad: 'M6 1l5.2 9.6H.8z',
  live: 'M6 1.5a4.5 4.5 0 1 1-4.5 4.5',
  rest: 'M2 6h8',
};

interface Props {
  readonly tone: Tone;
  readonly children: string;
  readonly title?: string | undefined;
}

/** A state: colour, shape and word together, never the colour alone. */
export function StateMark({ tone, children, title }: Props) {
  const stroked = tone === 'live' || tone === 'rest' || tone === 'late';
  return (
    <span className={classes.state} data-tone={tone} title={title}>
      <svg viewBox="0 0 12 12" width="11" height="11" aria-hidden data-live={tone === 'live' || undefined}>
        {tone === 'late' ? <path d="M6 1.5a4.5 4.5 0 0 1 0 9z" fill="currentColor" /> : null}
        <path
          d={shapes[tone]}
          fill={stroked ? 'none' : 'currentColor'}
          stroke={stroked ? 'currentColor' : 'none'}
          strokeWidth="1.7"
          strokeLinecap="round"
        />
      </svg>
      {children}
    </span>
  );
}
