import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { MadeToken } from '../../../access/token.ts';
import { createGrant, createToken, deleteGrant, revokeToken } from '../../../operations/access.ts';
import type { RequestContext } from '../context.ts';
import { DeletePayload } from '../payload.type.ts';
import { runDeletion, runMutation, toReference } from '../run-mutation.ts';
import {
  GrantCreateInput,
  GrantDeleteInput,
  GrantPayload,
  TokenCreateInput,
  TokenPayload,
  TokenRevokeInput,
  toGrantType,
  toTokenType,
} from './access.type.ts';

@Resolver()
export class AccessMutationResolver {
  @Mutation(() => TokenPayload, {
    description: 'Creates a token and returns its secret, once. Needs the role admin for "*".',
  })
  async tokenCreate(
    @Arg('input', () => TokenCreateInput, { description: 'The new token.' }) input: TokenCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<TokenPayload> {
    return runMutation<MadeToken, NewTokenPart>(
      context,
      createToken(context, input),
      async ({ id, text }) => ({ ...(await loadToken(context, id)), secret: text }),
      { token: null, secret: null },
    );
  }

  @Mutation(() => TokenPayload, {
    description:
      'Revokes a token immediately and permanently, and deletes its grants. Revoking it again returns the token.',
  })
  async tokenRevoke(
    @Arg('input', () => TokenRevokeInput, { description: 'The token.' }) input: TokenRevokeInput,
    @Ctx() context: RequestContext,
  ): Promise<TokenPayload> {
    return runMutation<number, NewTokenPart>(
      context,
      revokeToken(context, toReference('Token', 'id', input.id)),
      (id) => loadToken(context, id),
      { token: null, secret: null },
    );
  }

  @Mutation(() => GrantPayload, {
    description:
      'Grants a role to a token, or to a subject or group of the OIDC issuer. Takes effect at the next request. Needs the role admin for the ' +
      'scope.',
  })
  async grantCreate(
    @Arg('input', () => GrantCreateInput, { description: 'The role and its holder.' })
    input: GrantCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<GrantPayload> {
    const { role, scope, tokenId, oidcSubject, oidcGroup } = input;
    const token = typeof tokenId === 'string' ? toReference('Token', 'tokenId', tokenId) : undefined;
    return runMutation<number, Pick<GrantPayload, 'grant'>>(
      context,
      createGrant(context, { role, scope, token, oidcSubject, oidcGroup }),
      async (id) => {
        const row = await context.loaders.grants.load(id);
        return { grant: row === undefined ? null : toGrantType(row) };
      },
      { grant: null },
    );
  }

  @Mutation(() => DeletePayload, {
    description: 'Revokes a grant. Takes effect at the next request. Needs the role admin for its scope.',
  })
  async grantDelete(
    @Arg('input', () => GrantDeleteInput, { description: 'The grant.' }) input: GrantDeleteInput,
    @Ctx() context: RequestContext,
  ): Promise<DeletePayload> {
    return runDeletion(context, input.id, deleteGrant(context, toReference('Grant', 'id', input.id)));
  }
}

type NewTokenPart = Pick<TokenPayload, 'token' | 'secret'>;

async function loadToken({ loaders }: RequestContext, id: number): Promise<NewTokenPart> {
  const row = await loaders.tokens.load(id);
  return { token: row === undefined ? null : toTokenType(row), secret: null };
}
