import { isScope } from '../access/scope.ts';
import { createToken as makeToken } from '../access/token.ts';
import type { MadeToken } from '../access/token.ts';
import { visibilityOf } from '../access/viewer.ts';
import {
  deleteAccessGrant,
  putAccessGrant,
  readAccessGrants,
  revokeAccessToken,
} from '../db/access/access-tokens.ts';
import type { Role } from '../db/access/roles.ts';
import { quoteValue } from '../oci/error.ts';
import { checkInteger, checkName, invalid, mistake, noSuchId } from './mistakes.ts';
import type { Checked, Mistake } from './mistakes.ts';
import { done, refused } from './operation.ts';
import type { Operator, Outcome, Reference } from './operation.ts';
import { lacksRole } from './permit.ts';

/** A token gets at most so many when it is created; others are granted one by one. */
export const mostGrants = 100;
export const defaultDays = 90;

export interface NewToken {
  readonly name: string;
  readonly expiresInDays?: number | null | undefined;
  readonly grants?: readonly { readonly role: Role; readonly scope: string }[] | null | undefined;
}

/** Needs the role admin for everything. The text of the token is in the outcome only; its hash is stored. */
export async function createToken(
  { em, viewer }: Operator,
  { name, expiresInDays, grants }: NewToken,
): Promise<Outcome<MadeToken>> {
  const lacking = lacksRole(viewer, 'admin', '*', 'name');
  if (lacking.length > 0) return refused(...lacking);
  const wish = { name, expiresInDays: expiresInDays ?? defaultDays, grants: grants ?? [] };
  const mistakes = [
    checkName('name', name),
    checkInteger('expiresInDays', wish.expiresInDays, [1, 3_650]),
    ...checkGrants(wish.grants.map(({ scope }) => scope)),
  ].flatMap((found) => found ?? []);
  if (mistakes.length > 0) return refused(...mistakes);
  const made = await makeToken(em.fork(), wish);
  return made === undefined ? refused(nameTaken(name)) : done(made);
}

/** Needs the role admin for everything. Revokes the token for good, and deletes its grants. */
export async function revokeToken({ em, viewer }: Operator, token: Reference): Promise<Outcome<number>> {
  const lacking = lacksRole(viewer, 'admin', '*', token.field);
  if (lacking.length > 0) return refused(...lacking);
  const { key } = token;
  if (key === undefined || !(await revokeAccessToken(em.fork(), key))) return refused(tokenNotFound(token));
  return done(key);
}

export interface NewGrant {
  readonly role: Role;
  readonly scope: string;
  /** Exactly one of these three is given. */
  readonly token: Reference | undefined;
  readonly oidcSubject?: string | null | undefined;
  readonly oidcGroup?: string | null | undefined;
}

/** Needs the role admin for the scope. Replaces the role that the same holder has in it. */
export async function createGrant({ em, viewer }: Operator, grant: NewGrant): Promise<Outcome<number>> {
  const { role, scope, token, oidcSubject = null, oidcGroup = null } = grant;
  const checks = [...checkGrants([scope], () => 'scope'), ...checkHolder(grant)];
  const mistakes = checks.flatMap((found) => found ?? []);
  if (isScope(scope)) mistakes.push(...lacksRole(viewer, 'admin', scope, 'scope'));
  if (mistakes.length > 0) return refused(...mistakes);
  // no token has the key 0
  const tokenId = token === undefined ? null : (token.key ?? 0);
  const id = await putAccessGrant(em.fork(), { role, scope, tokenId, oidcSubject, oidcGroup });
  return id === undefined ? refused(tokenNotFound({ field: 'tokenId', text: token?.text ?? '' })) : done(id);
}

/** Needs the role admin for the grant's scope; other grants are absent for the caller. */
export async function deleteGrant({ em, viewer }: Operator, grant: Reference): Promise<Outcome<undefined>> {
  const { key, field, text } = grant;
  const [row] = key === undefined ? [] : await readAccessGrants(em, visibilityOf(viewer, 'admin'), [key]);
  if (row === undefined) return refused(noSuchId('grant', 'grants', { field, text }));
  await deleteAccessGrant(em.fork(), row.id);
  return done(undefined);
}

function checkGrants(
  scopes: readonly string[],
  fieldOf: (index: number) => string | string[] = (index) => ['grants', String(index), 'scope'],
): Checked[] {
  if (scopes.length > mostGrants)
    return [invalid('grants', `${scopes.length} grants were given; expected at most ${mostGrants}.`)];
  return scopes.map((scope, index) => {
    if (!isScope(scope))
      return invalid(
        fieldOf(index),
        `The scope is ${quoteValue(scope)}; expected "*", the name of a repository, or the beginning of names as "team/*".`,
      );
    return scopes.indexOf(scope) === index
      ? undefined
      : invalid(fieldOf(index), `The scope ${quoteValue(scope)} was given twice; expected one role a scope.`);
  });
}

function checkHolder({ token, oidcSubject, oidcGroup }: NewGrant): Checked[] {
  const given = [token?.text, oidcSubject, oidcGroup].filter((value) => typeof value === 'string');
  if (given.length !== 1)
    return [
      invalid(
        'tokenId',
        `${given.length} of tokenId, oidcSubject and oidcGroup were given; expected exactly one.`,
      ),
    ];
  return [
    typeof oidcSubject === 'string' ? checkName('oidcSubject', oidcSubject) : undefined,
    typeof oidcGroup === 'string' ? checkName('oidcGroup', oidcGroup) : undefined,
  ];
}

function nameTaken(name: string): Mistake {
  return mistake(
    'ALREADY_EXISTS',
    ['name'],
    `There is a token named ${quoteValue(name)}; choose another name, or revoke that one.`,
  );
}

function tokenNotFound(named: Omit<Reference, 'key'>): Mistake {
  return noSuchId('valid token', 'tokens', named);
}
