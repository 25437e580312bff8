import { Arg, Ctx, FieldResolver, Int, Query, Resolver, Root } from 'type-graphql';
import {
  countAccessGrants,
  countAccessTokens,
  readAccessGrantPage,
  readAccessTokenPage,
} from '../../../db/access/access-tokens.ts';
import { forbidden } from '../../../access/field-rules.ts';
import {
  GrantConnection,
  GrantType,
  TokenConnection,
  TokenType,
  toGrantType,
  toTokenType,
} from './access.type.ts';
import { readNumberCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { checkFirst } from '../errors.ts';
import { loadPage } from '../loaders.ts';
import { afterOption, firstOption } from '../page-arguments.ts';

@Resolver(() => GrantType)
export class AccessResolver {
  @Query(() => TokenConnection, {
    description:
      'All tokens, including revoked and expired ones, newest first. Needs the role admin for "*".',
  })
  async tokens(
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<Connection<TokenType>> {
    if (!loaders.administered.all) throw forbidden('tokens needs the role admin for "*".');
    const page = await readAccessTokenPage(em, {
      first: checkFirst(first),
      after: readNumberCursor('tokens', after),
    });
    return toConnection(await loadPage(page, loaders.tokens), {
      list: 'tokens',
      after,
      keyOf: ({ id }) => id,
      nodeOf: ({ value }) => toTokenType(value),
      countTotal: () => countAccessTokens(em),
    });
  }

  @Query(() => GrantConnection, {
    description: 'Grants in the scopes that the caller administers, newest first.',
  })
  async grants(
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<Connection<GrantType>> {
    const page = await readAccessGrantPage(em, loaders.administered, {
      first: checkFirst(first),
      after: readNumberCursor('grants', after),
    });
    return toConnection(await loadPage(page, loaders.grants), {
      list: 'grants',
      after,
      keyOf: ({ id }) => id,
      nodeOf: ({ value }) => toGrantType(value),
      countTotal: () => countAccessGrants(em, loaders.administered),
    });
  }

  @FieldResolver(() => TokenType, {
    nullable: true,
    description:
      'The token that holds the role; null for an OIDC subject or group, or when the caller lacks the role admin for "*".',
  })
  async token(@Root() { row }: GrantType, @Ctx() { loaders }: RequestContext): Promise<TokenType | null> {
    const token = typeof row.tokenId === 'number' ? await loaders.tokens.load(row.tokenId) : undefined;
    return token === undefined ? null : toTokenType(token);
  }
}
