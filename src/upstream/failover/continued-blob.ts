import type { ContentBody, ContentKey, FetchOptions } from '../../oci/content-source.ts';
import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import { isOutage } from '../error-kinds.ts';
import { askPlaces, noteError } from './ask-places.ts';
import type { Asking } from './ask-places.ts';
import type { Deliveries } from './deliveries.ts';
import type { Place } from './places.ts';

export interface BlobPlaces extends Asking {
  /** In the order of asking; the first one judges. */
  readonly places: readonly [Place, ...Place[]];
  readonly deliveries: Deliveries;
}

/**
 * Fetches a blob. A body that breaks off is continued at the next place from the byte after the last one, by Range. The reader checks the
 * digest, so it does not matter which bytes came from where.
 */
export async function fetchFromPlaces(
  from: BlobPlaces,
  descriptor: ContentKey,
  options: FetchOptions,
): Promise<ContentBody> {
  const { place, result } = await askPlaces(from, {
    places: from.places,
    judge: from.places[0],
    signal: options.signal,
    isProof: false,
    ask: ({ registry }) => registry.fetch(descriptor, options),
  });
  return { offset: result.offset, bytes: continued(from, { place, body: result, descriptor, options }) };
}

interface Opened {
  readonly place: Place;
  readonly body: ContentBody;
  readonly descriptor: ContentKey;
  readonly options: FetchOptions;
}

async function* continued(
  from: BlobPlaces,
  { place: firstPlace, body, descriptor, options }: Opened,
): AsyncGenerator<Uint8Array> {
  let position = body.offset;
  let current = { place: firstPlace, bytes: body.bytes };
  const tried = new Set<Place>([firstPlace]);
  for (;;) {
    const { place, bytes } = current;
    try {
      for await (const chunk of bytes) {
        position += chunk.byteLength;
        from.deliveries.bytes(place, chunk.byteLength);
        yield chunk;
      }
      if (position < descriptor.size) throw endedEarly(place, descriptor, position);
      from.deliveries.blob(place);
      await from.breakers.succeeded(place);
      return;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!isTidemarkError(error) || !isOutage(error)) throw error;
      await noteError(from, place, error);
      const others = from.places.filter((other) => !tried.has(other));
      const next = await openNext(from, others, { descriptor, options, position });
      if (next === undefined) throw error;
      tried.add(next.place);
      current = next;
    }
  }
}

/** Undefined if no other place has the rest. The caller then throws the error of the place that broke off. */
async function openNext(
  from: BlobPlaces,
  places: readonly Place[],
  {
    descriptor,
    options,
    position,
  }: { readonly descriptor: ContentKey; readonly options: FetchOptions; readonly position: number },
): Promise<{ readonly place: Place; readonly bytes: AsyncIterable<Uint8Array> } | undefined> {
  if (places.length === 0) return undefined;
  try {
    const { place, result } = await askPlaces(from, {
      places,
      judge: undefined,
      signal: options.signal,
      isProof: false,
      ask: ({ registry }) => registry.fetch(descriptor, { ...options, offset: position }),
    });
    return { place, bytes: skip(result, position) };
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!isTidemarkError(error) || error.origin === 'server') throw error;
    return undefined;
  }
}

/** A place that answers a Range request with the whole blob sends the first part again, which is read and dropped. */
async function* skip({ offset, bytes }: ContentBody, position: number): AsyncGenerator<Uint8Array> {
  let left = position - offset;
  for await (const chunk of bytes) {
    const dropped = Math.min(left, chunk.byteLength);
    left -= dropped;
    if (dropped < chunk.byteLength) yield dropped === 0 ? chunk : chunk.subarray(dropped);
  }
}

function endedEarly(place: Place, { digest, size }: ContentKey, position: number): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_TRUNCATED',
    `The bytes of ${digest} from ${place.host} ended after ${position} of ${size}. The rest can be requested again.`,
    { retryable: true },
  );
}
