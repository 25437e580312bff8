import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { lacksRole } from '../../../operations/permit.ts';
import { remoteNotFound } from '../../../operations/references.ts';
import { RemoteTestInput, RemoteTestPayload, toRemoteTest } from './remote-test.type.ts';
import type { RemoteTest } from './remote-test.type.ts';
import type { UserError } from '../user-error.type.ts';

@Resolver()
export class RemoteTestResolver {
  @Mutation(() => RemoteTestPayload, {
    description:
      'Tests a remote from the API server, within 30 seconds: connection, TLS, login, tag list and capabilities of the upstream. Nothing is ' +
      'stored. It is a mutation because it sends requests to the upstream; none of them counts as a pull.',
  })
  async remoteTest(
    @Arg('input', () => RemoteTestInput, { description: 'The remote.' }) input: RemoteTestInput,
    @Ctx() { api, loaders, viewer, signal }: RequestContext,
  ): Promise<RemoteTestPayload> {
    const key = parseNumericId('Remote', input.id);
    const row = key === undefined ? undefined : await loaders.remotes.load(key);
    if (row === undefined) return payload(null, [remoteNotFound({ field: 'id', text: input.id })]);
    const lacking = lacksRole(viewer, 'maintainer', row.name, 'id');
    if (lacking.length > 0) return payload(null, lacking);
    return payload(toRemoteTest(await api.upstreams.testRemote(row, signal)), []);
  }
}

function payload(test: RemoteTest | null, userErrors: UserError[]): RemoteTestPayload {
  return Object.assign(new RemoteTestPayload(), { test, userErrors });
}
