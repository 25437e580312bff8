import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import { isOutage, isThrottle } from '../error-kinds.ts';
import type { Breakers } from './breakers.ts';
import type { Place } from './places.ts';

export interface Asking {
  readonly breakers: Breakers;
  /** Called for each answer that asks to slow down, before the next place is asked. */
  readonly onThrottled?: ((place: Place, error: TidemarkError) => Promise<void>) | undefined;
}

export interface Question<T> {
  /** In the order of asking. */
  readonly places: readonly Place[];
  /** The place whose refusals (401, 403, 404) are the answer. Refusals of the others prove nothing. Undefined: none is. */
  readonly judge: Place | undefined;
  readonly signal: AbortSignal | undefined;
  readonly ask: (place: Place) => Promise<T>;
  /** Whether the result says that the place lacks the content. */
  readonly isAbsent?: (result: T) => boolean;
  /** Whether the result proves that the host works; default true. False for bodies that are read later. */
  readonly isProof?: boolean;
}

export interface PlacedAnswer<T> {
  readonly place: Place;
  readonly result: T;
  /** The places that were asked before, with the errors that do not count. */
  readonly failures: readonly PlaceFailure[];
}

export interface PlaceFailure {
  readonly place: Place;
  /** Undefined: it lacks the content. */
  readonly error: TidemarkError | undefined;
}

/**
 * Asks the places in turn until one answers. Hosts with an open breaker are asked last, so that a breaker alone never fails a request.
 * @throws the error of the judge, or else of the first place, if none answers
 */
export async function askPlaces<T>(asking: Asking, question: Question<T>): Promise<PlacedAnswer<T>> {
  const failures: PlaceFailure[] = [];
  for await (const place of inTurn(asking, question.places)) {
    const answer = await askPlace(asking, question, place);
    if ('result' in answer) return { ...answer, failures };
    failures.push(answer);
  }
  throw noneAnswered(failures, question.judge);
}

async function* inTurn({ breakers }: Asking, places: readonly Place[]): AsyncGenerator<Place> {
  const last: Place[] = [];
  for (const place of places) {
    if (places.length === 1 || (await breakers.admits(place))) yield place;
    else last.push(place);
  }
  yield* last;
}

async function askPlace<T>(
  asking: Asking,
  { ask, judge, isAbsent, isProof = true, signal }: Question<T>,
  place: Place,
): Promise<{ readonly place: Place; readonly result: T } | PlaceFailure> {
  try {
    const result = await ask(place);
    if (isProof) await asking.breakers.succeeded(place);
    if (place !== judge && isAbsent?.(result) === true) return { place, error: undefined };
    return { place, result };
  } catch (error) {
    signal?.throwIfAborted();
    if (!isTidemarkError(error) || error.origin === 'server' || error.origin === 'cancelled') throw error;
    await noteError(asking, place, error);
    if (place === judge && !isOutage(error)) throw error;
    return { place, error };
  }
}

/** Tells the breaker and the throttles what an error says about the host. */
export async function noteError(
  { breakers, onThrottled }: Asking,
  place: Place,
  error: TidemarkError,
): Promise<void> {
  sources.set(error, place);
  if (isThrottle(error)) await onThrottled?.(place, error);
  else if (isOutage(error)) await breakers.failed(place, error.message);
  else if (error.status !== undefined) await breakers.succeeded(place);
}

const sources = new WeakMap<object, Place>();

/** The place that an error of `askPlaces` came from. */
export function placeOfError(error: unknown): Place | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    const place = sources.get(one);
    if (place !== undefined) return place;
  }
  return undefined;
}

function noneAnswered(failures: readonly PlaceFailure[], judge: Place | undefined): unknown {
  const told = failures.find(({ place }) => place === judge) ?? failures[0];
  const others = failures.filter((failure) => failure !== told);
  const error = told?.error;
  if (error === undefined || others.length === 0) return error;
  const { code, origin, retryable, retryAfterMs, status } = error;
  const reasons = others.map(({ place, error: other }) => `${place.host}: ${other?.code ?? '404'}`);
  return new TidemarkError(code, `${error.message} No other upstream helped: ${reasons.join(', ')}.`, {
    origin,
    retryable,
    cause: error,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(status !== undefined && { status }),
  });
}
