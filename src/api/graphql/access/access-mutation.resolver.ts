import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import { isScope } from '../../../access/scope.ts';
import { createToken } from '../../../access/token.ts';
import { deleteAccessGrant, putAccessGrant, revokeAccessToken } from '../../../db/access/access-tokens.ts';
import { quoteValue } from '../../../oci/error.ts';
import {
  GrantCreateInput,
  GrantDeleteInput,
  GrantPayload,
  TokenCreateInput,
  TokenPayload,
  TokenRevokeInput,
  defaultDays,
  mostGrants,
  toGrantType,
  toTokenType,
} from './access.type.ts';
import { forgetReads } from '../context.ts';
import type { RequestContext } from '../context.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { checkInteger, checkName, invalid, mistake } from '../../../operations/mistakes.ts';
import type { Checked } from '../../../operations/mistakes.ts';
import { DeletePayload } from '../payload.type.ts';
import { lacksRole } from '../../../operations/permit.ts';
import type { UserError } from '../user-error.type.ts';

@Resolver()
export class AccessMutationResolver {
  @Mutation(() => TokenPayload, {
    description: 'Makes a token, and shows what to log in with, this once. For administrators of everything.',
  })
  async tokenCreate(
    @Arg('input', () => TokenCreateInput, { description: 'The new token.' }) input: TokenCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<TokenPayload> {
    const lacking = lacksRole(context.viewer, 'admin', '*', 'name');
    if (lacking.length > 0) return tokenPayload({ userErrors: lacking });
    const grants = input.grants ?? [];
    const expiresInDays = input.expiresInDays ?? defaultDays;
    const userErrors = [
      checkName('name', input.name),
      checkInteger('expiresInDays', expiresInDays, [1, 3_650]),
      ...checkGrants(grants.map(({ scope }) => scope)),
    ].flatMap((found) => found ?? []);
    if (userErrors.length > 0) return tokenPayload({ userErrors });
    const made = await createToken(context.em.fork(), { name: input.name, expiresInDays, grants });
    if (made === undefined) return tokenPayload({ userErrors: [nameTaken(input.name)] });
    forgetReads(context);
    const row = await context.loaders.tokens.load(made.id);
    return tokenPayload({ token: row === undefined ? null : toTokenType(row), secret: made.text });
  }

  @Mutation(() => TokenPayload, {
    description:
      'Lets a token count no more, at once and for ever, and takes its grants back. One that is revoked already is answered.',
  })
  async tokenRevoke(
    @Arg('input', () => TokenRevokeInput, { description: 'The token.' }) input: TokenRevokeInput,
    @Ctx() context: RequestContext,
  ): Promise<TokenPayload> {
    const lacking = lacksRole(context.viewer, 'admin', '*', 'id');
    if (lacking.length > 0) return tokenPayload({ userErrors: lacking });
    const id = parseNumericId('Token', input.id);
    const isThere = id !== undefined && (await revokeAccessToken(context.em.fork(), id));
    if (!isThere) return tokenPayload({ userErrors: [tokenNotFound('id', input.id)] });
    forgetReads(context);
    const row = await context.loaders.tokens.load(id);
    return tokenPayload({ token: row === undefined ? null : toTokenType(row) });
  }

  @Mutation(() => GrantPayload, {
    description:
      'Grants a role to a token, or to a subject or group of the OIDC issuer. For administrators of the scope. It holds from the next ' +
      'request on.',
  })
  async grantCreate(
    @Arg('input', () => GrantCreateInput, { description: 'The role, and who gets it.' })
    input: GrantCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<GrantPayload> {
    const { role, scope } = input;
    const mistakes = [...checkGrants([scope], () => 'scope'), ...checkHolder(input)];
    const userErrors = mistakes.flatMap((found) => found ?? []);
    if (isScope(scope)) userErrors.push(...lacksRole(context.viewer, 'admin', scope, 'scope'));
    if (userErrors.length > 0) return grantPayload({ userErrors });
    const tokenId = typeof input.tokenId === 'string' ? (parseNumericId('Token', input.tokenId) ?? 0) : null;
    const id = await putAccessGrant(context.em.fork(), {
      role,
      scope,
      tokenId,
      oidcSubject: input.oidcSubject ?? null,
      oidcGroup: input.oidcGroup ?? null,
    });
    if (id === undefined)
      return grantPayload({ userErrors: [tokenNotFound('tokenId', input.tokenId ?? '')] });
    forgetReads(context);
    const row = await context.loaders.grants.load(id);
    return grantPayload({ grant: row === undefined ? null : toGrantType(row) });
  }

  @Mutation(() => DeletePayload, {
    description: 'Takes a role back, from the next request on. For administrators of its scope.',
  })
  async grantDelete(
    @Arg('input', () => GrantDeleteInput, { description: 'The grant.' }) input: GrantDeleteInput,
    @Ctx() context: RequestContext,
  ): Promise<DeletePayload> {
    const id = parseNumericId('Grant', input.id);
    // those of scopes that the caller does not administer are as absent
    const row = id === undefined ? undefined : await context.loaders.grants.load(id);
    if (row === undefined)
      return {
        deletedId: null,
        userErrors: [
          mistake(
            'NOT_FOUND',
            ['id'],
            `There is no grant with the id ${quoteValue(input.id)}; take one from grants.`,
          ),
        ],
      };
    await deleteAccessGrant(context.em.fork(), row.id);
    forgetReads(context);
    return { deletedId: input.id, userErrors: [] };
  }
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

function checkHolder({ tokenId, oidcSubject, oidcGroup }: GrantCreateInput): Checked[] {
  const given = [tokenId, oidcSubject, oidcGroup].filter((value) => typeof value === 'string');
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

function nameTaken(name: string): UserError {
  return mistake(
    'ALREADY_EXISTS',
    ['name'],
    `There is a token named ${quoteValue(name)}; choose another name, or revoke that one.`,
  );
}

function tokenNotFound(field: string, id: string): UserError {
  return mistake(
    'NOT_FOUND',
    [field],
    `There is no token with the id ${quoteValue(id)} that counts; take one from tokens.`,
  );
}

function tokenPayload(fields: Partial<TokenPayload>): TokenPayload {
  return Object.assign(new TokenPayload(), { token: null, secret: null, userErrors: [], ...fields });
}

function grantPayload(fields: Partial<GrantPayload>): GrantPayload {
  return Object.assign(new GrantPayload(), { grant: null, userErrors: [], ...fields });
}
