import { Field, ID, InputType } from 'type-graphql';

@InputType('RemoteDeleteInput', { description: 'The remote to delete.' })
export class RemoteDeleteInput {
  @Field(() => ID, { description: 'The remote.' })
  id!: string;
}
