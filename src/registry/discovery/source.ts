import type { Requester } from '../requester.ts';

/** Where repositories are looked for. */
export interface DiscoverySource {
  readonly requester: Requester;
  /** The registry's URL, without a trailing slash. */
  readonly base: string;
  readonly signal: AbortSignal;
  /** What to list, where an API lists one namespace at a time. */
  readonly namespaces: readonly string[];
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** Yields the names of repositories, page by page. A name may come twice. */
export type ListRepositories = (source: DiscoverySource) => AsyncIterable<readonly string[]>;
