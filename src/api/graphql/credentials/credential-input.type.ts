import { Field, ID, InputType } from 'type-graphql';
import type { CredentialKind } from '../../../db/schema/credentials.ts';
import { credentialText } from './credential-text.ts';
import { CredentialKindEnum } from './credential.type.ts';

/** The fields that create and update share. */
@InputType()
abstract class CredentialSettings {
  @Field(() => [String], { nullable: true, description: credentialText.hosts })
  hosts?: string[] | null;

  @Field(() => String, { nullable: true, description: credentialText.username })
  username?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "STATIC: the password or token. Its bytes are sent unchanged, so Google's key file as the password of _json_key works. Write-only, " +
      'stored encrypted.',
  })
  password?: string | null;

  @Field(() => String, { nullable: true, description: credentialText.configFile })
  configFile?: string | null;

  @Field(() => String, { nullable: true, description: credentialText.helper })
  helper?: string | null;

  @Field(() => String, { nullable: true, description: credentialText.region })
  region?: string | null;

  @Field(() => String, { nullable: true, description: credentialText.roleArn })
  roleArn?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "GOOGLE: the JSON key file of a service account; null: the worker's application default credentials. Write-only, stored encrypted.",
  })
  serviceAccountKey?: string | null;

  @Field(() => String, { nullable: true, description: credentialText.clientId })
  clientId?: string | null;
}

@InputType('CredentialCreateInput', {
  description:
    'A new credential. The kinds that use an identity of the server (DOCKER_CONFIG, HELPER, ECR, AZURE, and GOOGLE without serviceAccountKey) ' +
    'need the role admin for everything.',
})
export class CredentialCreateInput extends CredentialSettings {
  @Field(() => String, { description: 'Unique name, 1 to 255 visible characters.' })
  name!: string;

  @Field(() => CredentialKindEnum, { description: 'Where the login comes from. It cannot be changed.' })
  kind!: CredentialKind;
}

@InputType('CredentialUpdateInput', {
  description: 'Changes to a credential. Omitted fields are kept; null clears a field.',
})
export class CredentialUpdateInput extends CredentialSettings {
  @Field(() => ID, { description: 'The credential.' })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Unique name, 1 to 255 visible characters. It cannot be cleared.',
  })
  name?: string | null;
}

@InputType('CredentialDeleteInput', { description: 'The credential to delete.' })
export class CredentialDeleteInput {
  @Field(() => ID, { description: 'The credential.' })
  id!: string;
}
