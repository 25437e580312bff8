import type { ListedDigest, Registry, TagPage } from '../registry/registry.ts';

export interface RememberedAnswers {
  /** Asks the upstream, and remembers its answers. */
  readonly asking: Registry;
  /** Gives each remembered answer once, and asks for all others. */
  readonly answering: Registry;
}

/** Gives an answer again, or throws an error again. */
type Answer = () => unknown;

interface Memory {
  /** The answer may be that of a further question, too. */
  ask<T>(key: string, work: () => Promise<T>, further?: string): Promise<T>;
  pages<T>(key: string, work: () => AsyncIterable<T>): AsyncIterable<T>;
}

interface Pages<T> {
  readonly pages: readonly T[];
  /** What came after them. */
  readonly end: () => void;
}

/** A page of names, with the digests that came before it. */
interface ListedPage {
  readonly page: TagPage;
  readonly digests: readonly (readonly ListedDigest[])[];
}

/**
 * So that the stages of a sync need not ask again what the look before them has asked. A request that the look no longer needs is not cut off: its
 * answer may be needed. A list is remembered only if it was read to its end, or to an error.
 * @param signal Cuts off the requests of `asking`, in place of the signals that come with them.
 */
export function rememberAnswers(registry: Registry, signal: AbortSignal): RememberedAnswers {
  const answers = new Map<string, Answer>();
  const patient: Registry = {
    ...registry,
    resolve: (reference, options) => registry.resolve(reference, { ...options, signal }),
    listReferrers: (subject, options) => registry.listReferrers(subject, { ...options, signal }),
    findSignatureSource: () => registry.findSignatureSource({ signal }),
  };
  return {
    asking: withMemory(patient, recorder(answers, signal)),
    answering: withMemory(registry, player(answers)),
  };
}

const failure = (error: unknown) => (): never => {
  throw error;
};

function recorder(answers: Map<string, Answer>, signal: AbortSignal): Memory {
  return {
    async ask(key, work, further = key) {
      const remember = (answer: Answer): void => void answers.set(key, answer).set(further, answer);
      try {
        const answer = await work();
        remember(() => answer);
        return answer;
      } catch (error) {
        if (!signal.aborted) remember(failure(error));
        throw error;
      }
    },
    async *pages<T>(key: string, work: () => AsyncIterable<T>) {
      const pages: T[] = [];
      const remember = (end: () => void): void => void answers.set(key, (): Pages<T> => ({ pages, end }));
      try {
        for await (const page of work()) {
          pages.push(page);
          yield page;
        }
      } catch (error) {
        if (!signal.aborted) remember(failure(error));
        throw error;
      }
      remember(() => undefined);
    },
  };
}

function player(answers: Map<string, Answer>): Memory {
  const take = (key: string): Answer | undefined => {
    const answer = answers.get(key);
    answers.delete(key);
    return answer;
  };
  return {
    async ask<T>(key: string, work: () => Promise<T>, further = key) {
      const answer = take(key);
      take(further);
      return answer === undefined ? work() : (answer() as T);
    },
    async *pages<T>(key: string, work: () => AsyncIterable<T>) {
      const answer = take(key);
      if (answer === undefined) {
        yield* work();
        return;
      }
      const { pages, end } = answer() as Pages<T>;
      yield* pages;
      end();
    },
  };
}

function withMemory(registry: Registry, memory: Memory): Registry {
  async function* readPages(options: Parameters<Registry['listTags']>[0]): AsyncGenerator<ListedPage> {
    let digests: (readonly ListedDigest[])[] = [];
    const onDigests = (page: readonly ListedDigest[]): Promise<void> => {
      digests.push(page);
      return Promise.resolve();
    };
    for await (const page of registry.listTags({ ...options, onDigests })) {
      yield { page, digests };
      digests = [];
    }
  }

  return {
    ...registry,
    async *listTags(options) {
      for await (const { page, digests } of memory.pages('tags', () => readPages(options))) {
        for (const listed of digests) await options?.onDigests?.(listed);
        yield page;
      }
    },
    listDigests: (listing, options) =>
      memory.pages(`digests ${listing}`, () => registry.listDigests(listing, options)),
    resolve: (reference, options) =>
      memory.ask(`tag ${reference} ${options?.known ?? ''}`, () => registry.resolve(reference, options)),
    listReferrers(subject, options) {
      const asked = `referrers ${subject}`;
      const key = options?.anew === true ? `${asked}, asked anew` : asked;
      return memory.ask(key, () => registry.listReferrers(subject, options), asked);
    },
    findSignatureSource: (options) =>
      memory.ask('signature source', () => registry.findSignatureSource(options)),
  };
}
