import { defineEntity, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';
import { roles } from '../access/roles.ts';
import { createdAt, autoId } from './columns/columns.ts';

export const AccessToken = defineEntity({
  name: 'AccessToken',
  properties: {
    id: autoId,
    name: p.text(),
    /** sha256 of the token, which is not stored. */
    hash: p.blob().lazy(),
    createdAt,
    expiresAt: p.datetime(),
    revokedAt: p.datetime().nullable(),
  },
});
export type AccessToken = InferEntity<typeof AccessToken>;

/** A role in a scope. Exactly one of token, OIDC subject and OIDC group is set. */
export const AccessGrant = defineEntity({
  name: 'AccessGrant',
  properties: {
    id: autoId,
    role: p.enum(roles),
    /** `*`, `team/*` or a repository's name. */
    scope: p.text(),
    tokenId: p.bigint('number').nullable(),
    oidcSubject: p.text().nullable(),
    oidcGroup: p.text().nullable(),
    createdAt,
  },
});
export type AccessGrant = InferEntity<typeof AccessGrant>;

/** A login of a browser, by a token or as an OIDC subject. Exactly one of the two is set. */
export const AccessSession = defineEntity({
  name: 'AccessSession',
  properties: {
    id: autoId,
    /** sha256 of the session's secret, which is not stored. */
    hash: p.blob().lazy(),
    tokenId: p.bigint('number').nullable(),
    oidcSubject: p.text().nullable(),
    /** The groups of the login. */
    oidcGroups: p.array().columnType('text[]').default([]),
    createdAt,
    expiresAt: p.datetime(),
    /** Up to a minute old. */
    usedAt: createdAt,
  },
});
export type AccessSession = InferEntity<typeof AccessSession>;

export const accessTables = [AccessToken, AccessGrant, AccessSession];
