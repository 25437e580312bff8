import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import type { RuleOutcomeKind } from '../../../db/schema/rules.ts';
import { readTextCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { checkFirst } from '../errors.ts';
import { afterOption, firstOption } from '../page-arguments.ts';
import { RepositoryType, toRepositoryType } from '../repositories/repository.type.ts';
import { DateTime } from '../scalars.ts';
import { TaskType, toTaskType } from '../tasks/task.type.ts';
import {
  RuleOutcomeConnection,
  RuleOutcomeCountType,
  RuleOutcomeEnum,
  RuleOutcomeType,
  RuleProgressType,
  toRuleOutcome,
  toRuleProgress,
} from './rule-outcome.type.ts';
import { MirrorRuleType, toMirrorRuleType } from './rule.type.ts';

@Resolver(() => TaskType)
export class TaskRuleResolver {
  @FieldResolver(() => MirrorRuleType, {
    nullable: true,
    description: 'The mirror rule that the task runs; null for other tasks, and once the rule is deleted.',
  })
  async rule(@Root() { row }: TaskType, @Ctx() { loaders }: RequestContext): Promise<MirrorRuleType | null> {
    const rule = typeof row.ruleId === 'number' ? await loaders.mirrorRules.load(row.ruleId) : undefined;
    return rule === undefined ? null : toMirrorRuleType(rule);
  }

  @FieldResolver(() => RuleProgressType, {
    nullable: true,
    description: 'Progress of a run of a mirror rule; null for other tasks.',
  })
  ruleProgress(@Root() { row }: TaskType): RuleProgressType | null {
    return row.name === 'rule.run' ? toRuleProgress(row.report ?? {}) : null;
  }

  @FieldResolver(() => [RuleOutcomeCountType], {
    description:
      'How many repositories a run of a mirror rule has with each outcome. Outcomes without a repository are omitted.',
  })
  async ruleOutcomeCounts(
    @Root() { row }: TaskType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<RuleOutcomeCountType[]> {
    const counts = await loaders.ruleOutcomeCounts.load(row.id);
    return counts.map(({ outcome, count }) => Object.assign(new RuleOutcomeCountType(), { outcome, count }));
  }

  @FieldResolver(() => RuleOutcomeConnection, {
    description:
      'What a run of a mirror rule found about each repository that it selects, ordered by the name at the upstream.',
  })
  async ruleOutcomes(
    @Root() { row }: TaskType,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Arg('outcome', () => RuleOutcomeEnum, { nullable: true, description: 'Only this outcome; null: all.' })
    outcome: RuleOutcomeKind | null,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<RuleOutcomeType>> {
    const only = outcome ?? undefined;
    const page = await loaders.ruleOutcomePages.load({
      parent: row.id,
      page: { first: checkFirst(first), after: readTextCursor('ruleOutcomes', after), only },
    });
    return toConnection(page, {
      list: 'ruleOutcomes',
      after,
      keyOf: ({ upstreamName }) => upstreamName,
      nodeOf: toRuleOutcome,
      countTotal: async () => {
        const counts = await loaders.ruleOutcomeCounts.load(row.id);
        return counts
          .filter((count) => only === undefined || count.outcome === only)
          .reduce((sum, { count }) => sum + count, 0);
      },
    });
  }
}

@Resolver(() => RuleOutcomeType)
export class RuleOutcomeResolver {
  @FieldResolver(() => RepositoryType, {
    nullable: true,
    description: 'The repository; null where there is none, and where the caller may not read it.',
  })
  async repository(
    @Root() { row }: RuleOutcomeType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<RepositoryType | null> {
    const found = row.repositoryId === null ? undefined : await loaders.repositories.load(row.repositoryId);
    return found === undefined ? null : toRepositoryType(found);
  }

  @FieldResolver(() => TaskType, {
    nullable: true,
    description: 'The sync of the repository that the run has started, or that was running; null: none.',
  })
  async syncTask(
    @Root() { row }: RuleOutcomeType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<TaskType | null> {
    const found = row.syncTaskId === null ? undefined : await loaders.tasks.load(row.syncTaskId);
    return found === undefined ? null : toTaskType(found);
  }
}

@Resolver(() => RepositoryType)
export class RepositoryVanishedResolver {
  @FieldResolver(() => Boolean, {
    description: 'Whether a mirror rule found that the upstream has the repository no more. It is kept.',
  })
  async isVanished(@Root() { row }: RepositoryType, @Ctx() { loaders }: RequestContext): Promise<boolean> {
    return (await loaders.vanished.load(row.id)) !== undefined;
  }

  @FieldResolver(() => DateTime, {
    nullable: true,
    description: 'When a mirror rule found that; null: the upstream has it, or no rule has made it.',
  })
  async vanishedAt(
    @Root() { row }: RepositoryType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Date | null> {
    return (await loaders.vanished.load(row.id)) ?? null;
  }
}
