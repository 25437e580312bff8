import { currentPoint, points } from './stages.ts';
import type { Stage } from './stages.ts';
import classes from './sync.module.css';

interface Props {
  readonly stage: Stage;
  readonly state: string;
}

/** The stages as a line of five points. */
export function StageLine({ stage, state }: Props) {
  const current = state === 'COMPLETED' ? points.length : state === 'WAITING' ? -1 : currentPoint(stage);
  return (
    <ol className={classes.stages} aria-label="Stages">
      {points.map(({ label }, index) => {
        const mark =
          index < current ? 'done' : index === current ? (state === 'RUNNING' ? 'now' : 'stopped') : 'next';
        return (
          <li key={label} data-mark={mark} aria-current={mark === 'now' ? 'step' : undefined}>
            <span aria-hidden />
            {label}
          </li>
        );
      })}
    </ol>
  );
}
