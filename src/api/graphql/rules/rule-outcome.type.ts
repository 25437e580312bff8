import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { RuleOutcomeRow } from '../../../db/rules/read-rules.ts';
import { ruleOutcomes } from '../../../db/schema/rules.ts';
import type { RuleOutcomeKind } from '../../../db/schema/rules.ts';
import type { UpkeepReport } from '../../../db/schema/tasks.ts';
import { connectionType } from '../connection.ts';

export const RuleOutcomeEnum = Object.fromEntries(ruleOutcomes.map((name) => [name, name])) as {
  readonly [Name in RuleOutcomeKind]: Name;
};

registerEnumType(RuleOutcomeEnum, {
  name: 'RuleOutcomeKind',
  description: 'What a run of a mirror rule found about a repository that it selects.',
  valuesConfig: {
    CREATE: { description: 'The repository is new: the run creates it, or a dry run would.' },
    PRESENT: { description: 'An earlier run has created it.' },
    VANISHED: { description: 'The upstream has it no more. It is kept, and not synced.' },
    COLLIDES: { description: 'Its name is taken, or another one would get the same. It is left out.' },
    LEFT_OUT: { description: 'It cannot be created; `reason` says why.' },
  },
});

@ObjectType('RuleOutcome', {
  description: 'What a run of a mirror rule found about a repository.',
  simpleResolvers: true,
})
export class RuleOutcomeType {
  row!: RuleOutcomeRow;

  @Field(() => String, { description: 'Name of the repository at this server.' })
  name!: string;

  @Field(() => String, { description: 'Name at the upstream.' })
  upstreamName!: string;

  @Field(() => RuleOutcomeEnum, { description: 'What was found.' })
  outcome!: RuleOutcomeKind;

  @Field(() => String, { nullable: true, description: 'Why; null where there is nothing to say.' })
  reason!: string | null;

  @Field(() => Boolean, {
    description: 'Whether the run has found that a sync would change nothing, and so has started none.',
  })
  isUnchanged!: boolean;
}

export function toRuleOutcome(row: RuleOutcomeRow): RuleOutcomeType {
  const { name, upstreamName, outcome, reason, syncTaskId, needsSync } = row;
  const isUnchanged = syncTaskId === null && needsSync === false;
  return Object.assign(new RuleOutcomeType(), { row, name, upstreamName, outcome, reason, isUnchanged });
}

export const RuleOutcomeConnection = connectionType(RuleOutcomeType, 'RuleOutcome');

@ObjectType('RuleOutcomeCount', {
  description: 'How many repositories have an outcome.',
  simpleResolvers: true,
})
export class RuleOutcomeCountType {
  @Field(() => RuleOutcomeEnum, { description: 'The outcome.' })
  outcome!: RuleOutcomeKind;

  @Field(() => Int, { description: 'How many.' })
  count!: number;
}

@ObjectType('RuleProgress', {
  description: 'Progress of a run of a mirror rule. Counts are of repositories.',
  simpleResolvers: true,
})
export class RuleProgressType {
  @Field(() => Int, { nullable: true, description: 'Names that the upstream has listed; null until known.' })
  found!: number | null;

  @Field(() => Int, { nullable: true, description: 'Repositories to sync; null until known.' })
  total!: number | null;

  @Field(() => Int, { description: 'Repositories whose sync has ended, and those that are unchanged.' })
  done!: number;

  @Field(() => Int, {
    description: 'Repositories that need no sync, since nothing has changed at the upstream and here.',
  })
  unchanged!: number;

  @Field(() => Int, { description: 'Repositories whose sync has failed or was canceled.' })
  failed!: number;
}

export function toRuleProgress(report: UpkeepReport): RuleProgressType {
  return Object.assign(new RuleProgressType(), {
    found: report['found'] ?? null,
    total: report['total'] ?? null,
    done: report['done'] ?? 0,
    unchanged: report['unchanged'] ?? 0,
    failed: report['failed'] ?? 0,
  });
}
