import { defineEntity, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';
import { roles } from '../access/roles.ts';

/** What a caller proves to be somebody with: a random text, of which only the sha256 is here. */
export const AccessToken = defineEntity({
  name: 'AccessToken',
  tableName: 'access_token',
  properties: {
    id: p.bigint('number').primary(),
    name: p.text(),
    hash: p.blob().lazy(),
    createdAt: p.datetime().onCreate(() => new Date()),
    expiresAt: p.datetime(),
    revokedAt: p.datetime().nullable(),
  },
});
export type AccessToken = InferEntity<typeof AccessToken>;

/** A role in a scope, of a token, or of an OIDC subject or group: exactly one of the three is set. */
export const AccessGrant = defineEntity({
  name: 'AccessGrant',
  tableName: 'access_grant',
  properties: {
    id: p.bigint('number').primary(),
    role: p.enum(roles),
    /** `*`, `team/*` or a repository's name. */
    scope: p.text(),
    tokenId: p.bigint('number').nullable(),
    oidcSubject: p.text().nullable(),
    oidcGroup: p.text().nullable(),
    createdAt: p.datetime().onCreate(() => new Date()),
  },
});
export type AccessGrant = InferEntity<typeof AccessGrant>;
