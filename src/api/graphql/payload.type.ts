import { Field, ID, ObjectType } from 'type-graphql';
import { UserError } from './user-error.type.ts';

@ObjectType('DeletePayload', { description: 'The outcome of a deletion.', simpleResolvers: true })
export class DeletePayload {
  @Field(() => ID, {
    nullable: true,
    description: 'The id of what was deleted; null where there were mistakes.',
  })
  deletedId!: string | null;

  @Field(() => [UserError], { description: "All of the caller's mistakes; empty when it was done." })
  userErrors!: UserError[];
}
