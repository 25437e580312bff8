import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import { countNamed, findNamedId, readNamedPage } from '../../../db/reads/read-named.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { readTextCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { checkFirst } from '../errors.ts';
import { loadPage } from '../loaders.ts';
import { afterOption, checkIdOrName, firstOption, isStorableText } from '../page-arguments.ts';
import { TaskType, toTaskType } from '../tasks/task.type.ts';
import { MirrorRuleConnection, MirrorRuleType, toMirrorRuleType } from './rule.type.ts';

@Resolver(() => MirrorRuleType)
export class MirrorRuleResolver {
  @Query(() => MirrorRuleType, {
    nullable: true,
    description: 'A mirror rule by id or by name; null when there is none.',
  })
  async mirrorRule(
    @Arg('id', () => ID, { nullable: true, description: 'The id.' }) id: string | null,
    @Arg('name', () => String, { nullable: true, description: 'The name.' }) name: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<MirrorRuleType | null> {
    checkIdOrName(id, name);
    const isNamed = typeof name === 'string';
    const byName = isNamed && isStorableText(name) ? await findNamedId(em, 'mirror_rule', name) : undefined;
    const key = isNamed ? byName : parseNumericId('MirrorRule', id ?? '');
    const row = key === undefined ? undefined : await loaders.mirrorRules.load(key);
    return row === undefined ? null : toMirrorRuleType(row);
  }

  @Query(() => MirrorRuleConnection, {
    description: 'Mirror rules that the caller may read, ordered by name.',
  })
  async mirrorRules(
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<Connection<MirrorRuleType>> {
    const page = await readNamedPage(em, loaders.visibility, 'mirror_rule', {
      first: checkFirst(first),
      after: readTextCursor('mirrorRules', after),
    });
    return toConnection(await loadPage(page, loaders.mirrorRules), {
      list: 'mirrorRules',
      after,
      keyOf: ({ value }) => value.name,
      nodeOf: ({ value }) => toMirrorRuleType(value),
      countTotal: () => countNamed(em, loaders.visibility, 'mirror_rule'),
    });
  }

  @FieldResolver(() => Int, { description: 'Repositories that it has made and that exist.' })
  async repositoryCount(
    @Root() { row }: MirrorRuleType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<number> {
    return (await loaders.ruleRepositoryCounts.load(row.id)).repositories;
  }

  @FieldResolver(() => Int, { description: 'Of these, those that the upstream has no more.' })
  async vanishedCount(@Root() { row }: MirrorRuleType, @Ctx() { loaders }: RequestContext): Promise<number> {
    return (await loaders.ruleRepositoryCounts.load(row.id)).vanished;
  }

  @FieldResolver(() => TaskType, { nullable: true, description: 'The newest run; null: none.' })
  async lastRun(
    @Root() { row }: MirrorRuleType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<TaskType | null> {
    const id = await loaders.lastRuleRuns.load(row.id);
    const task = id === undefined ? undefined : await loaders.tasks.load(id);
    return task === undefined ? null : toTaskType(task);
  }
}
