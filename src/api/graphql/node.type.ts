import { Field, ID, InterfaceType } from 'type-graphql';

@InterfaceType('Node', { description: 'An object with a global id, which `node` looks up.' })
export abstract class NodeType {
  @Field(() => ID, { description: 'Global id: opaque and stable.' })
  id!: string;
}
