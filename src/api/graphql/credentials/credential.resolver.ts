import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import { countNamed, findNamedId, readNamedPage } from '../../../db/reads/read-named.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { readTextCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { checkFirst } from '../errors.ts';
import { loadPage } from '../loaders.ts';
import { afterOption, checkIdOrName, firstOption, isStorableText } from '../page-arguments.ts';
import { RemoteSettings } from '../remotes/remote-settings.type.ts';
import { UpstreamType } from '../remotes/upstream.type.ts';
import { CredentialConnection, CredentialType, toCredentialType } from './credential.type.ts';

@Resolver(() => CredentialType)
export class CredentialResolver {
  @Query(() => CredentialType, {
    nullable: true,
    description: 'A credential by id or by name; null when there is none.',
  })
  async credential(
    @Arg('id', () => ID, { nullable: true, description: 'The id.' }) id: string | null,
    @Arg('name', () => String, { nullable: true, description: 'The name.' }) name: string | null,
    @Ctx() context: RequestContext,
  ): Promise<CredentialType | null> {
    checkIdOrName(id, name);
    if (typeof name !== 'string') return load(context, parseNumericId('Credential', id ?? ''));
    return load(
      context,
      isStorableText(name) ? await findNamedId(context.em, 'credential', name) : undefined,
    );
  }

  @Query(() => CredentialConnection, {
    description: 'Credentials that the caller may read, ordered by name.',
  })
  async credentials(
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<Connection<CredentialType>> {
    const page = await readNamedPage(em, loaders.visibility, 'credential', {
      first: checkFirst(first),
      after: readTextCursor('credentials', after),
    });
    return toConnection(await loadPage(page, loaders.credentials), {
      list: 'credentials',
      after,
      keyOf: ({ value }) => value.name,
      nodeOf: ({ value }) => toCredentialType(value),
      countTotal: () => countNamed(em, loaders.visibility, 'credential'),
    });
  }
}

@Resolver(() => RemoteSettings)
export class RemoteCredentialResolver {
  @FieldResolver(() => CredentialType, {
    nullable: true,
    description:
      'The credential for logins at the upstream, in place of username and password; null: none, or one that the caller may not read.',
  })
  credential(
    @Root() { row }: RemoteSettings,
    @Ctx() context: RequestContext,
  ): Promise<CredentialType | null> {
    return load(context, row.credentialId ?? undefined);
  }
}

@Resolver(() => UpstreamType)
export class UpstreamCredentialResolver {
  @FieldResolver(() => CredentialType, {
    nullable: true,
    description: 'The credential that is used there; null: none, or one that the caller may not read.',
  })
  credential(@Root() { row }: UpstreamType, @Ctx() context: RequestContext): Promise<CredentialType | null> {
    return load(context, row.credentialId);
  }
}

async function load({ loaders }: RequestContext, id: number | undefined): Promise<CredentialType | null> {
  const row = id === undefined ? undefined : await loaders.credentials.load(id);
  return row === undefined ? null : toCredentialType(row);
}
