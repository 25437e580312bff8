import { Field, ID, InterfaceType } from 'type-graphql';

@InterfaceType('Node', { description: 'Anything that has a global id, by which `node` finds it again.' })
export abstract class NodeType {
  @Field(() => ID, { description: 'Global, opaque and stable.' })
  id!: string;
}
