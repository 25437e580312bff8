import { Field, Int, InterfaceType } from 'type-graphql';
import type { RemoteFields } from '../../../operations/remotes/remote-fields.ts';
import { NodeType } from '../node.type.ts';
import { budgetText } from './budget-text.ts';

/** The limits of what a remote asks of its upstream. */
@InterfaceType()
export abstract class RemoteBudgets extends NodeType {
  @Field(() => Int, {
    nullable: true,
    description:
      'Requests per second to the host, shared by all workers and all remotes of that host that have a limit; null: no limit.',
  })
  rateLimit!: number | null;

  @Field(() => String, {
    nullable: true,
    description: budgetText.bytesPerSecond,
  })
  bytesPerSecond!: string | null;

  @Field(() => [String], {
    nullable: true,
    description: budgetText.syncWindows,
  })
  syncWindows!: string[] | null;

  @Field(() => Int, {
    nullable: true,
    description: budgetText.reserveRequests,
  })
  reserveRequests!: number | null;
}

export function budgetsOf(
  fields: Pick<RemoteFields, 'rateLimit' | 'bytesPerSecond' | 'syncWindows' | 'reserveRequests'>,
): Omit<RemoteBudgets, 'id'> {
  const { rateLimit = null, bytesPerSecond = null, syncWindows = null, reserveRequests = null } = fields;
  return { rateLimit, bytesPerSecond, syncWindows, reserveRequests };
}
