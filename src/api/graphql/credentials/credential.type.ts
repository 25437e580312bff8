import { Field, ObjectType, registerEnumType } from 'type-graphql';
import type { Credential, CredentialKind } from '../../../db/schema/credentials.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { connectionType } from '../connection.ts';
import { NodeType } from '../node.type.ts';
import { Payload } from '../payload.type.ts';
import { DateTime } from '../scalars.ts';
import { credentialText } from './credential-text.ts';

export const CredentialKindEnum = {
  STATIC: 'STATIC',
  DOCKER_CONFIG: 'DOCKER_CONFIG',
  HELPER: 'HELPER',
  ECR: 'ECR',
  GOOGLE: 'GOOGLE',
  AZURE: 'AZURE',
} as const;

registerEnumType(CredentialKindEnum, {
  name: 'CredentialKind',
  description: 'Where the login of a credential comes from.',
  valuesConfig: {
    STATIC: { description: 'A stored user name and password.' },
    DOCKER_CONFIG: {
      description:
        'A config.json of Docker that is mounted for the API and the worker: auths, credHelpers, credsStore.',
    },
    HELPER: { description: 'A program docker-credential-… of the API and the worker.' },
    ECR: {
      description:
        "A token of Amazon ECR for the worker's identity (the default chain of the AWS SDK), or for a role that it assumes.",
    },
    GOOGLE: {
      description:
        "An access token of Google Cloud for a stored service account key, or for the worker's application default credentials.",
    },
    AZURE: {
      description:
        "A token of Azure Container Registry for the worker's identity (the default chain of the Azure SDK).",
    },
  },
});

@ObjectType('Credential', {
  implements: NodeType,
  description:
    'A login at registries, shared by remotes. The process that uses it obtains and renews tokens; the API never returns a secret. The role ' +
    'maintainer on its name is the right to use it.',
  simpleResolvers: true,
})
export class CredentialType extends NodeType {
  row!: Credential;

  @Field(() => String, { description: 'Unique name, 1 to 255 characters.' })
  name!: string;

  @Field(() => CredentialKindEnum, { description: 'Where the login comes from.' })
  kind!: CredentialKind;

  @Field(() => [String], { nullable: true, description: credentialText.hosts })
  hosts!: readonly string[] | null;

  @Field(() => String, { nullable: true, description: credentialText.username })
  username!: string | null;

  @Field(() => Boolean, {
    description:
      'Whether a password (STATIC) or a service account key (GOOGLE) is stored. The API never returns it.',
  })
  hasSecret!: boolean;

  @Field(() => String, { nullable: true, description: credentialText.configFile })
  configFile!: string | null;

  @Field(() => String, { nullable: true, description: credentialText.helper })
  helper!: string | null;

  @Field(() => String, { nullable: true, description: credentialText.region })
  region!: string | null;

  @Field(() => String, { nullable: true, description: credentialText.roleArn })
  roleArn!: string | null;

  @Field(() => String, { nullable: true, description: credentialText.clientId })
  clientId!: string | null;

  @Field(() => DateTime, { description: 'Creation time.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'Time of the last change.' })
  updatedAt!: Date;
}

export function toCredentialType(row: Credential): CredentialType {
  const { name, kind, createdAt, updatedAt } = row;
  return Object.assign(new CredentialType(), {
    id: toGlobalId('Credential', row.id),
    row,
    name,
    kind,
    createdAt,
    updatedAt,
    hosts: row.hosts ?? null,
    username: row.username ?? null,
    hasSecret: typeof row.secretSealed === 'string',
    configFile: row.configFile ?? null,
    helper: row.helper ?? null,
    region: row.region ?? null,
    roleArn: row.roleArn ?? null,
    clientId: row.clientId ?? null,
  });
}

export const CredentialConnection = connectionType(CredentialType, 'Credential');

@ObjectType('CredentialPayload', {
  description: 'The result of a credential mutation.',
  simpleResolvers: true,
})
export class CredentialPayload extends Payload {
  @Field(() => CredentialType, {
    nullable: true,
    description: 'The credential after the change; null on error.',
  })
  credential!: CredentialType | null;
}
