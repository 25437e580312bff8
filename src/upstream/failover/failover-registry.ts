import { isDigest } from '../../oci/digest.ts';
import type { Digest } from '../../oci/digest.ts';
import type {
  CallOptions,
  ListedDigest,
  Registry,
  SignatureSource,
  TagPage,
} from '../../registry/registry.ts';
import { askPlaces } from './ask-places.ts';
import type { PlacedAnswer } from './ask-places.ts';
import { createChoice } from './choose-place.ts';
import type { Choice, ChoiceOptions, RequestKind } from './choose-place.ts';
import { fetchFromPlaces } from './continued-blob.ts';
import type { Deliveries } from './deliveries.ts';
import type { Place, Places } from './places.ts';

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
  const inOrder = (): Places['all'] => orderOf(places, choice.made() ?? own);
  /** By digest: from any place. */
  const anywhere = async <T>(
    { signal }: CallOptions,
    ask: (registry: Registry) => Promise<T>,
    isAbsent: (result: T) => boolean,
  ) => askAnywhere(options, inOrder(), { signal, ask, isAbsent });
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
      if (isDigest(reference)) return (await anywhere(call, ask, isAbsent)).result;
      return (await oneOf(call, ask, 'tag', isAbsent)).result;
    },
    async getManifest(reference, call = {}) {
      const ask = (registry: Registry) => registry.getManifest(reference, call);
      const isAbsent = (result: Awaited<ReturnType<typeof ask>>) => result === undefined;
      const { place, result } = isDigest(reference)
        ? await anywhere(call, ask, isAbsent)
        : await oneOf(call, ask, 'tag', isAbsent);
      if (result !== undefined && result !== call.known) deliveries.manifest(place, result.bytes.byteLength);
      return result;
    },
    fetch: (descriptor, call = {}) => fetchFromPlaces({ ...options, places: inOrder() }, descriptor, call),
    ...fromOwn(own),
    listing: () => choice.made()?.registry.listing(),
    discoverListing: async (call) => (await oneOf(call, (registry) => registry.discoverListing(call))).result,
    listDigests: (listing, call) => listDigests(choice, listing, call),
    listReferrers: async (subject, call = {}) =>
      (await oneOf(call, (registry) => registry.listReferrers(subject, call))).result,
    async referrersAbsence() {
      return (await choice.place()).registry.referrersAbsence();
    },
    async findSignatureSource(call = {}) {
      if (options.hasSignatureStore) return own.registry.findSignatureSource(call);
      return (await oneOf(call, (registry) => registry.findSignatureSource(call))).result;
    },
    readSignatures: (source, digest, call = {}) => readSignatures(choice, { source, digest, own }, call),
    // the clients are shared
    close: () => Promise.resolve(),
  };
}

/** What fallbacks are not asked. */
function fromOwn({ registry }: Place): Pick<Registry, 'fetchFrom' | 'listChanges' | 'readCatalog'> {
  return {
    // the address is no upstream's
    fetchFrom: (address, descriptor, call) => registry.fetchFrom(address, descriptor, call),
    // a state is the own upstream's
    listChanges: (since, call) => registry.listChanges(since, call),
    // a hint for the errors of the remote's own upstream
    readCatalog: (call) => registry.readCatalog(call),
  };
}

async function* listDigests(
  choice: Choice,
  ...[listing, call]: Parameters<Registry['listDigests']>
): AsyncGenerator<readonly ListedDigest[]> {
  const { registry } = await choice.place(call.signal);
  yield* registry.listDigests(listing, call);
}

async function* readSignatures(
  choice: Choice,
  asked: { readonly source: SignatureSource; readonly digest: Digest; readonly own: Place },
  call: NonNullable<Parameters<Registry['readSignatures']>[2]>,
): AsyncGenerator<Buffer> {
  const { registry } = asked.source === 'STORE' ? asked.own : await choice.place(call.signal);
  yield* registry.readSignatures(asked.source, asked.digest, call);
}

function orderOf(places: Places['all'], first: Place): Places['all'] {
  return [first, ...places.filter((place) => place !== first)];
}

interface Question<T> {
  readonly signal: AbortSignal | undefined;
  readonly ask: (registry: Registry) => Promise<T>;
  readonly isAbsent: (result: T) => boolean;
}

async function askAnywhere<T>(
  options: FailoverOptions,
  places: Places['all'],
  { signal, ask, isAbsent }: Question<T>,
): Promise<PlacedAnswer<T>> {
  const [judge] = places;
  return askPlaces(options, { places, judge, signal, isAbsent, ask: ({ registry }) => ask(registry) });
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
