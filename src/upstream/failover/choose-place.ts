import { abortable } from '../../content/abortable.ts';
import { isTidemarkError } from '../../oci/error.ts';
import type { Registry } from '../../registry/registry.ts';
import { askPlaces, noteError } from './ask-places.ts';
import type { Asking, PlaceFailure, PlacedAnswer } from './ask-places.ts';
import type { Place, Places } from './places.ts';

export interface ChoiceOptions extends Asking {
  readonly places: Places['all'];
  /** The place that an earlier activity of the sync has chosen for tags. */
  readonly chosen?: Place | undefined;
  /** Called once, before the first answer about tags is returned. */
  readonly onChosen?: ((place: Place, failures: readonly PlaceFailure[]) => Promise<void>) | undefined;
  /** Whether requests that are not for tags wait for the choice. Otherwise they may make it. */
  readonly waits?: boolean;
}

/** Only requests for tags choose while others wait: another API of a host may work although its tags cannot be read. */
export type RequestKind = 'tag' | 'other';

interface ChoiceQuestion<T> {
  readonly signal: AbortSignal | undefined;
  readonly kind: RequestKind;
  readonly ask: (registry: Registry) => Promise<T>;
  readonly isAbsent?: (result: T) => boolean;
}

export type Choice = ReturnType<typeof createChoice>;

/** The place of the tags. The first request for tags chooses it; all later ones go there alone. */
export function createChoice(options: ChoiceOptions) {
  const { places, onChosen, waits = false } = options;
  const [own] = places;
  let chosen = options.chosen;
  let choosing: Promise<unknown> | undefined;
  let choice = openChoice();
  if (chosen !== undefined) choice.resolve();

  async function keep(place: Place, failures: readonly PlaceFailure[]): Promise<void> {
    await onChosen?.(place, failures);
    chosen = place;
    choice.resolve();
  }

  async function choose<T>(question: ChoiceQuestion<T>): Promise<PlacedAnswer<T>> {
    const answer = await askAll(options, question);
    await keep(answer.place, answer.failures);
    return answer;
  }

  return {
    made: () => chosen,
    async makeOwn() {
      if (chosen === undefined) await keep(own, []);
    },
    /** The place, without a request. Before the choice: the remote's own, unless it must be waited for. */
    async place(signal?: AbortSignal): Promise<Place> {
      if (chosen === undefined && waits) await abortable(choice.promise, signal);
      return chosen ?? own;
    },
    async ask<T>(question: ChoiceQuestion<T>): Promise<PlacedAnswer<T>> {
      for (;;) {
        question.signal?.throwIfAborted();
        if (chosen !== undefined) return askChosen(options, chosen, question);
        if (waits && question.kind === 'other') await abortable(choice.promise, question.signal);
        else if (choosing !== undefined) await choosing.catch(() => undefined);
        else {
          const mine = choose(question)
            .catch((error: unknown) => {
              // who waits would wait for a choice that may never come
              choice.reject(error);
              choice = openChoice();
              throw error;
            })
            .finally(() => {
              choosing = undefined;
            });
          choosing = mine;
          return mine;
        }
      }
    },
  };
}

async function askAll<T>(
  options: ChoiceOptions,
  { signal, ask, isAbsent }: ChoiceQuestion<T>,
): Promise<PlacedAnswer<T>> {
  const { places } = options;
  const [own] = places;
  return askPlaces(options, {
    places,
    judge: own,
    signal,
    ask: ({ registry }) => ask(registry),
    ...(isAbsent && { isAbsent }),
  });
}

async function askChosen<T>(
  { breakers }: ChoiceOptions,
  place: Place,
  { signal, ask }: ChoiceQuestion<T>,
): Promise<PlacedAnswer<T>> {
  try {
    const result = await ask(place.registry);
    await breakers.succeeded(place);
    return { place, result, failures: [] };
  } catch (error) {
    signal?.throwIfAborted();
    // a throttled request is repeated here, because the tags are this place's
    if (isTidemarkError(error)) await noteError({ breakers }, place, error);
    throw error;
  }
}

/** There may be nobody who waits. */
function openChoice(): PromiseWithResolvers<void> {
  const choice = Promise.withResolvers<void>();
  choice.promise.catch(() => undefined);
  return choice;
}
