import { StateMark } from '../shared/state-mark.tsx';
import type { Tone } from '../shared/state-mark.tsx';

type State = 'WAITING' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELED';

const tones: Record<State, Tone> = {
  WAITING: 'rest',
  RUNNING: 'live',
  COMPLETED: 'good',
  FAILED: 'bad',
  CANCELED: 'rest',
};

export function isFinal(state: State): boolean {
  return state !== 'WAITING' && state !== 'RUNNING';
}

export function TaskState({ state }: { readonly state: State }) {
  return <StateMark tone={tones[state]}>{state.toLowerCase()}</StateMark>;
}
