import { defineEntity, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';
import { roles } from '../access/roles.ts';
import { createdAt, autoId } from './columns.ts';

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

export const accessTables = [AccessToken, AccessGrant];
