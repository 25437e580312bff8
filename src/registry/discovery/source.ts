import type { Requester } from '../requester.ts';

/** Where repositories are looked for. */
export interface DiscoverySource {
  readonly requester: Requester;
  /** The registry's URL, without a trailing slash. */
  readonly base: string;
  readonly signal: AbortSignal;
  /** What to list, where an API lists one namespace at a time. */
  readonly namespaces: readonly string[];
  /** The user name and password of the rule or of its credential; undefined: anonymous. */
  readonly login: () => Promise<BasicLogin | undefined>;
  /** Checks a host that the registry names for its API. @throws TidemarkError `UPSTREAM_REALM_REFUSED` */
  readonly checkRealm: (realm: string) => URL;
}

export interface BasicLogin {
  readonly username: string;
  readonly password: string;
}

/** Yields the names of repositories, page by page. A name may come twice. */
export type ListRepositories = (source: DiscoverySource) => AsyncIterable<readonly string[]>;
