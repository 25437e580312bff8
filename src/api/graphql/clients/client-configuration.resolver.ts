import { Arg, Ctx, Query, Resolver } from 'type-graphql';
import type { ContainerClient } from '../../../client-config/client-configuration.ts';
import { describeClientConfiguration } from '../../../operations/client-configuration.ts';
import type { RequestContext } from '../context.ts';
import { badUserInput } from '../errors.ts';
import {
  ClientConfigurationType,
  ContainerClientEnum,
  NamespaceMappingInput,
} from './client-configuration.type.ts';

@Resolver()
export class ClientConfigurationResolver {
  @Query(() => ClientConfigurationType, {
    description:
      'The files that make a client pull through this server, with the images named as before. Nothing is changed. BAD_USER_INPUT if the client ' +
      'cannot be configured so, with the reasons.',
  })
  async clientConfiguration(
    @Arg('client', () => ContainerClientEnum, { description: 'The client.' }) client: ContainerClient,
    @Arg('namespaces', () => [NamespaceMappingInput], {
      nullable: true,
      description:
        'The upstream registries to redirect. Default: those of the remotes whose repositories are served under their upstream names below a base ' +
        'path, as far as the caller may read them; at most 100.',
    })
    namespaces: NamespaceMappingInput[] | null,
    @Arg('url', () => String, {
      nullable: true,
      description: 'Where the client reaches this server, without a path. Default: TIDEMARK_PUBLIC_URL.',
    })
    url: string | null,
    @Arg('dockerHubUrl', () => String, {
      nullable: true,
      description:
        'Where the client reaches the mirror of Docker Hub, for DOCKER. Default: TIDEMARK_DOCKER_HUB_URL, else TIDEMARK_DOCKER_HUB_PORT at the host ' +
        'of `url`.',
    })
    dockerHubUrl: string | null,
    @Arg('certificates', () => String, {
      nullable: true,
      description:
        'The certificate authorities of the server for clients that do not know them, in PEM. Default: none.',
    })
    certificates: string | null,
    @Arg('fallback', () => Boolean, {
      defaultValue: true,
      description: 'Whether the client asks the upstream registry for what this server does not have.',
    })
    fallback: boolean,
    @Ctx() { em, loaders, api }: RequestContext,
  ): Promise<ClientConfigurationType> {
    const { visibility } = loaders;
    if (namespaces !== null && namespaces?.length > 100)
      throw badUserInput(`namespaces has ${namespaces.length} entries; at most 100 are accepted.`);
    const wish = {
      client,
      url: url ?? null,
      dockerHubUrl: dockerHubUrl ?? null,
      certificates: certificates ?? null,
      namespaces: namespaces ?? null,
      fallback,
    };
    const { value, mistakes } = await describeClientConfiguration({ em, visibility }, wish, api.config);
    if (value === undefined) throw badUserInput((mistakes ?? []).map(({ message }) => message).join(' '));
    return Object.assign(new ClientConfigurationType(), value);
  }
}
