import { isDigest } from '../../oci/digest.ts';
import type { CallOptions, Registry, TagPage } from '../../registry/registry.ts';
import { askPlaces } from './ask-places.ts';
import type { PlacedAnswer } from './ask-places.ts';
import { createChoice } from './choose-place.ts';
import type { Choice, ChoiceOptions, RequestKind } from './choose-place.ts';
import { fetchFromPlaces } from './continued-blob.ts';
import type { Deliveries } from './deliveries.ts';
import type { Place } from './places.ts';

export interface FailoverOptions extends ChoiceOptions {
  readonly deliveries: Deliveries;
  /** Whether the remote has a dedicated signature store. It belongs to the remote and not to one of its upstreams. */
  readonly hasSignatureStore: boolean;
}

/** A registry with fallbacks. */
export interface FailoverRegistry extends Registry {
  /** The place whose tags are taken; undefined before the choice. */
  chosen(): Place | undefined;
  /** Chooses the remote's own upstream if nothing has made the choice. */
  choose(): Promise<void>;
}

/**
 * One registry made of several places of the same content. Content that is requested by digest may come from any of them. Tags, referrers and
 * signatures come from one place: the first that answers. So the tags of two upstreams are never mixed.
 */
export function openFailoverRegistry(options: FailoverOptions): FailoverRegistry {
  const { places, deliveries } = options;
  const choice = createChoice(options);
  const [own] = places;
  const inOrder = (): readonly [Place, ...Place[]] => {
    const first = choice.made() ?? own;
    return [first, ...places.filter((place) => place !== first)];
  };
  /** By digest: from any place. */
  const anywhere = async <T>(
    signal: AbortSignal | undefined,
    ask: (registry: Registry) => Promise<T>,
    isAbsent: (result: T) => boolean,
  ): Promise<PlacedAnswer<T>> => {
    const [judge, ...others] = inOrder();
    return askPlaces(options, {
      places: [judge, ...others],
      judge,
      signal,
      isAbsent,
      ask: ({ registry }) => ask(registry),
    });
  };
  const oneOf = async <T>(
    { signal }: CallOptions,
    ask: (registry: Registry) => Promise<T>,
    kind: RequestKind = 'other',
    isAbsent?: (result: T) => boolean,
  ) => choice.ask({ signal, ask, kind, ...(isAbsent && { isAbsent }) });

  return {
    chosen: choice.made,
    choose: () => choice.makeOwn(),
    listTags: (call = {}) => listTags(choice, own, call),
    async resolve(reference, call = {}) {
      const ask = (registry: Registry) => registry.resolve(reference, call);
      const isAbsent = (result: Awaited<ReturnType<typeof ask>>) => result === undefined;
      if (isDigest(reference)) return (await anywhere(call.signal, ask, isAbsent)).result;
      return (await oneOf(call, ask, 'tag', isAbsent)).result;
    },
    async getManifest(reference, call = {}) {
      const ask = (registry: Registry) => registry.getManifest(reference, call);
      const isAbsent = (result: Awaited<ReturnType<typeof ask>>) => result === undefined;
      const { place, result } = isDigest(reference)
        ? await anywhere(call.signal, ask, isAbsent)
        : await oneOf(call, ask, 'tag', isAbsent);
      if (result !== undefined && result !== call.known) deliveries.manifest(place, result.bytes.byteLength);
      return result;
    },
    fetch: (descriptor, call = {}) => fetchFromPlaces({ ...options, places: inOrder() }, descriptor, call),
    // the address is no upstream's
    fetchFrom: (address, descriptor, call) => own.registry.fetchFrom(address, descriptor, call),
    listing: () => choice.made()?.registry.listing(),
    discoverListing: async (call) => (await oneOf(call, (registry) => registry.discoverListing(call))).result,
    async *listDigests(listing, call) {
      const { registry } = await choice.place(call.signal);
      yield* registry.listDigests(listing, call);
    },
    // a hint for the errors of the remote's own upstream
    readCatalog: (call) => own.registry.readCatalog(call),
    listReferrers: async (subject, call = {}) =>
      (await oneOf(call, (registry) => registry.listReferrers(subject, call))).result,
    async referrersAbsence() {
      return (await choice.place()).registry.referrersAbsence();
    },
    async findSignatureSource(call = {}) {
      if (options.hasSignatureStore) return own.registry.findSignatureSource(call);
      return (await oneOf(call, (registry) => registry.findSignatureSource(call))).result;
    },
    async *readSignatures(source, digest, call = {}) {
      const { registry } = source === 'STORE' ? own : await choice.place(call.signal);
      yield* registry.readSignatures(source, digest, call);
    },
    // the clients are shared
    close: () => Promise.resolve(),
  };
}

/** The first page makes the choice, if nothing else has. Digests in the list of a fallback are not used: its tags move nothing. */
async function* listTags(
  choice: Choice,
  own: Place,
  call: NonNullable<Parameters<Registry['listTags']>[0]>,
): AsyncGenerator<TagPage> {
  const { onDigests: _, ...plain } = call;
  const { result } = await choice.ask({
    signal: call.signal,
    kind: 'tag',
    ask: async (registry) => {
      const isOwn = registry === own.registry;
      const pages = registry.listTags(isOwn ? call : plain)[Symbol.asyncIterator]();
      return { pages, first: await pages.next() };
    },
  });
  const { pages, first } = result;
  try {
    for (let next = first; next.done !== true; next = await pages.next()) yield next.value;
  } finally {
    await pages.return?.();
  }
}
