import { createHash, randomBytes } from 'node:crypto';
import type { Role } from '../db/access/roles.ts';
import { grantToToken, insertAccessToken } from '../db/access/access-tokens.ts';
import type { Em } from '../db/open-database.ts';

/** Identifies our tokens to people and to secret scanners. */
const prefix = 'tidemark_';

/** 256 random bits cannot be guessed, so a plain hash at rest is sufficient. */
function makeTokenText(): string {
  return `${prefix}${randomBytes(32).toString('base64url')}`;
}

export function isTokenText(text: string): boolean {
  return text.startsWith(prefix) && text.length === prefix.length + 43;
}

export function hashToken(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

export interface TokenWish {
  readonly name: string;
  readonly expiresInDays: number;
  readonly grants: readonly { readonly role: Role; readonly scope: string }[];
}

export interface MadeToken {
  readonly id: number;
  /** The token itself, which is shown only once. */
  readonly text: string;
}

/** Creates a token with its first grants; undefined if a valid token has this name. */
export async function createToken(em: Em, wish: TokenWish): Promise<MadeToken | undefined> {
  const text = makeTokenText();
  return em.transactional(async (transaction) => {
    const { name, expiresInDays } = wish;
    const id = await insertAccessToken(transaction, { name, expiresInDays, hash: hashToken(text) });
    if (id === undefined) return undefined;
    await grantToToken(transaction, id, wish.grants);
    return { id, text };
  });
}
