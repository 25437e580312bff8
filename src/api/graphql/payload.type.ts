import { Field, ID, ObjectType } from 'type-graphql';
import { UserError } from './user-error.type.ts';

/** The result of every mutation that checks its input. */
@ObjectType()
export abstract class Payload {
  @Field(() => [UserError], {
    simple: true,
    description: 'Validation errors, all at once; empty on success.',
  })
  userErrors!: UserError[];
}

@ObjectType('DeletePayload', { description: 'The result of a deletion.', simpleResolvers: true })
export class DeletePayload extends Payload {
  @Field(() => ID, { nullable: true, description: 'The id of the deleted object; null on error.' })
  deletedId!: string | null;
}
