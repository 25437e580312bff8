import { Field, InputType } from 'type-graphql';

@InputType('HeaderInput', {
  description: 'An extra request header. It is sent to the registry itself only, never to a redirect target.',
})
export class HeaderInput {
  @Field(() => String, {
    description: 'Its name; not Authorization, Host, or one that belongs to the connection.',
  })
  name!: string;

  @Field(() => String, { description: 'Its value, without line breaks. Write-only, stored encrypted.' })
  value!: string;
}
