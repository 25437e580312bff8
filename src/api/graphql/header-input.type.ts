import { Field, InputType } from 'type-graphql';

@InputType('HeaderInput', {
  description: 'An extra request header. It is sent to the registry only, never to a redirect target.',
})
export class HeaderInput {
  @Field(() => String, {
    description: 'Name of the header. Authorization, Host and connection headers are refused.',
  })
  name!: string;

  @Field(() => String, {
    description: 'Value of the header, without line breaks. Write-only, stored encrypted.',
  })
  value!: string;
}
