import { Arg, Ctx, Int, Mutation, Query, Resolver } from 'type-graphql';
import type { SectionKind } from '../../../db/configuration/read-section.ts';
import { applyConfiguration } from '../../../operations/configuration/apply.ts';
import type { Configuration } from '../../../operations/configuration/configuration.ts';
import { countExported, exportPage } from '../../../operations/configuration/export.ts';
import { sectionKinds } from '../../../operations/configuration/kinds.ts';
import { readNumberCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import { forgetReads } from '../context.ts';
import type { RequestContext } from '../context.ts';
import { checkFirst } from '../errors.ts';
import { afterOption, firstOption } from '../page-arguments.ts';
import { syncDepsOf } from '../tasks/answer-task.ts';
import { ConfigurationApplyInput } from './configuration-input.type.ts';
import type { ConfigurationInput } from './configuration-input.type.ts';
import {
  ConfigurationApplyPayload,
  ConfigurationSectionEnum,
  ConfiguredThingConnection,
  toApplyPayload,
  toConfiguredThing,
} from './configuration.type.ts';
import type { ConfiguredThingType } from './configuration.type.ts';

@Resolver()
export class ConfigurationResolver {
  @Query(() => ConfiguredThingConnection, {
    description: 'The running state as a configuration, one section at a time, oldest first.',
  })
  async configuration(
    @Arg('section', () => ConfigurationSectionEnum, { description: 'The section.' }) section: SectionKind,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() context: RequestContext,
  ): Promise<Connection<ConfiguredThingType>> {
    const { em, viewer, api } = context;
    const reader = { em, viewer, secrets: api.secrets, isAccessOn: api.access.isOn };
    const list = `configuration-${section}`;
    const page = await exportPage(reader, section, {
      first: checkFirst(first),
      afterId: readNumberCursor(list, after) ?? 0,
    });
    return toConnection(page, {
      list,
      after,
      keyOf: ({ id }) => id,
      nodeOf: (exported) => toConfiguredThing(section, exported),
      countTotal: () => countExported(reader, section),
    });
  }

  @Mutation(() => ConfigurationApplyPayload, {
    description:
      'Makes the server as a configuration says: creates what it lacks and changes what differs, in one transaction for each repository. With ' +
      'a mistake nothing is changed. It can be repeated.',
  })
  async configurationApply(
    @Arg('input', () => ConfigurationApplyInput, { description: 'The configuration.' })
    { configuration, prune, dryRun }: ConfigurationApplyInput,
    @Ctx() context: RequestContext,
  ): Promise<ConfigurationApplyPayload> {
    const { api } = context;
    const deps = {
      ...syncDepsOf(context),
      secrets: api.secrets,
      checkRules: api.signatures.checkRules,
      isAccessOn: api.access.isOn,
    };
    const options = { prune: prune ?? false, dryRun: dryRun ?? false };
    const applied = await applyConfiguration(context, deps, toConfiguration(configuration), options);
    forgetReads(context);
    return toApplyPayload(applied);
  }
}

function toConfiguration({ name, ...given }: ConfigurationInput): Configuration {
  const sections = sectionKinds.map(({ section }) => [section, given[section] ?? []]);
  return { name, ...(Object.fromEntries(sections) as Omit<Configuration, 'name'>) };
}
