/** How a registry that people use behaves, as one object of facts; `engine.ts` answers by it. */
import type { Remote } from '../../../src/db/schema/remotes.ts';

/** What a request is about. */
export type Resource = 'ping' | 'tags' | 'manifests' | 'blobs' | 'referrers';

export interface RegistryProfile {
  /** As docs/registries.md names it. */
  readonly name: string;
  readonly upstreamName: string;
  /** In front of `/v2/`; part of the remote's URL. */
  readonly basePath?: string;
  readonly auth: AuthBehavior;
  readonly tags: TagsBehavior;
  readonly manifests?: ManifestsBehavior;
  readonly blobs?: BlobsBehavior;
  readonly referrers: ReferrersBehavior;
  /** The body of a 404. Default: the specification's JSON. */
  readonly notFound?: 'json' | 'text' | 'html';
  /** Header fields of every answer. */
  readonly headers?: Readonly<Record<string, string>>;
  /** All but the ping is redirected to another registry, whose names begin with this; queries are dropped. */
  readonly redirectsTo?: string;
  /** What a remote for it has to set beside URL and name. */
  readonly remote?: Partial<Remote>;
}

export type AuthBehavior = { readonly kind: 'none' } | BasicAuth | BearerAuth;

export interface BasicAuth {
  readonly kind: 'basic';
  /** The value of WWW-Authenticate. */
  readonly challenge: string;
  readonly username: string;
}

export interface BearerAuth {
  readonly kind: 'bearer';
  /** Of the token service. */
  readonly path: string;
  /** `registry`: its own origin; `port`: another one on the same host; `foreign`: another host. Default `registry`. */
  readonly at?: 'registry' | 'port' | 'foreign';
  readonly service?: string;
  /** The scope in the challenge; undefined: none is named. */
  readonly scope: (resource: Resource, name: string) => string | undefined;
  /** The action that a token has to hold; undefined: any token will do. Default `pull`. */
  readonly needs?: (resource: Resource) => string | undefined;
  /** Resources that are answered without a token. */
  readonly open?: readonly Resource[];
  /** The user name that the token service wants; undefined: tokens are anonymous. */
  readonly username?: string;
  readonly field?: 'token' | 'access_token' | 'both';
  readonly expiresIn?: number;
  /** A further challenge, sent after the first. */
  readonly alsoChallenges?: string;
  /** The challenge to a token that does not hold the action. Default: the same as without a token. */
  readonly challengeToToken?: string;
}

export interface Page {
  readonly origin: string;
  /** With the base path. */
  readonly path: string;
  readonly n: number;
  /** The last name, or the opaque cursor; not encoded. */
  readonly last: string;
}

export interface TagsBehavior {
  /** The value of Link. Undefined: all names come in one answer, whatever is asked for. */
  readonly link?: (page: Page) => string;
  /** Pages by `n` and `last`, and says nothing of a further page. Default false. */
  readonly withoutLink?: boolean;
  /** Opaque cursors are known to the registry alone; others are refused with 400. Default `name`. */
  readonly cursor?: 'name' | 'opaque';
  /** What is answered to a larger `n`. */
  readonly refusesAbove?: { readonly n: number; readonly status: number; readonly code: string };
  readonly contentType?: string;
  /** Further members of the body. */
  readonly extra?: (names: readonly string[]) => object;
  /** Default `sorted`. */
  readonly order?: 'sorted' | 'newest';
}

export interface ManifestsBehavior {
  /** `no-digest`: without Docker-Content-Digest; `no-length`: Content-Length 0; `refused`: 405; `missing`: 404. Default `full`. */
  readonly head?: 'full' | 'no-digest' | 'no-length' | 'refused' | 'missing';
  /** Whether GET has Docker-Content-Digest; default true. */
  readonly statesDigest?: boolean;
  /** Whether the entity tag is the digest, and If-None-Match is answered 304. Default false. */
  readonly entityTag?: boolean;
  /** 404 where Accept does not name the manifest's own type. */
  readonly needsAccept?: boolean;
  /** GETs that one window allows; they are told in RateLimit headers, HEADs are not counted. */
  readonly countedGets?: number;
}

export interface BlobsBehavior {
  /** A signed address on a host of its own; undefined: served as they are. */
  readonly redirect?: { readonly status: number; readonly target: (digest: string) => string };
  readonly contentType?: string;
}

export type ReferrersBehavior =
  | { readonly kind: 'api' }
  /** Clients that push a referrer keep the list under a tag. */
  | { readonly kind: 'fallback-tag'; readonly status: number; readonly challenge?: string }
  /** Elsewhere answers with this; clients keep the list under a tag. */
  | { readonly kind: 'redirect'; readonly status: number; readonly elsewhere: ElsewhereAnswer }
  /** No list anywhere: the tag `sha256-<hex>` resolves to the subject itself. */
  | { readonly kind: 'phantom'; readonly status: number };

export interface ElsewhereAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}
