import { StateMark } from '../shared/state-mark.tsx';
import type { Tone } from '../shared/state-mark.tsx';

interface Props {
  readonly enabled: boolean;
  readonly disabledReason: string | null;
}

export function WebhookState({ enabled, disabledReason }: Props) {
  if (enabled) return <StateMark tone="good">enabled</StateMark>;
  return (
    <StateMark tone={disabledReason === null ? 'rest' : 'bad'} title={disabledReason ?? undefined}>
      disabled
    </StateMark>
  );
}

type State = 'PENDING' | 'DELIVERED' | 'FAILED';

const tones: Record<State, Tone> = { PENDING: 'live', DELIVERED: 'good', FAILED: 'bad' };

export function DeliveryState({ state }: { readonly state: State }) {
  return <StateMark tone={tones[state]}>{state.toLowerCase()}</StateMark>;
}
