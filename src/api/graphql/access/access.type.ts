import { Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { AccessGrant, AccessToken } from '../../../db/schema/access.ts';
import type { Role } from '../../../db/access/roles.ts';
import { connectionType } from '../connection.ts';
import { defaultDays, mostGrants } from '../../../operations/access.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { DateTime } from '../scalars.ts';
import { Payload } from '../payload.type.ts';

/** Upper case, as all enums of the API. */
export const RoleEnum = {
  READER: 'reader',
  PUSHER: 'pusher',
  MAINTAINER: 'maintainer',
  ADMIN: 'admin',
} as const satisfies Record<Uppercase<Role>, Role>;

registerEnumType(RoleEnum, {
  name: 'Role',
  description:
    'What a caller may do in a scope. Each role includes those before it: READER, PUSHER, MAINTAINER, ADMIN.',
  valuesConfig: {
    READER: { description: 'Reads repositories, versions, tasks, remotes and distributions, and pulls.' },
    PUSHER: { description: 'Pushes (which may create a repository), tags and copies content.' },
    MAINTAINER: {
      description:
        'Creates, changes, deletes, syncs and restores repositories; manages remotes and distributions; cancels tasks.',
    },
    ADMIN: { description: 'Grants roles in the scope. For the scope "*": also creates and revokes tokens.' },
  },
});

const scopeDescription =
  'Names that the role applies to: "*" for everything, "team/*" for all names that begin with team/, or one name. It matches names of ' +
  'repositories and remotes, and base paths of distributions.';

@ObjectType('Token', {
  implements: NodeType,
  description: 'A token to log in with. Only tokenCreate returns its secret.',
  simpleResolvers: true,
})
export class TokenType extends NodeType {
  row!: AccessToken;

  @Field(() => String, {
    description: 'Display name, unique among the tokens that are not revoked.',
  })
  name!: string;

  @Field(() => DateTime, { description: 'Creation time.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'Expiry time.' })
  expiresAt!: Date;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Time of revocation; null: the token is not revoked.',
  })
  revokedAt!: Date | null;
}

export function toTokenType(row: AccessToken): TokenType {
  const { id, name, createdAt, expiresAt } = row;
  return Object.assign(new TokenType(), {
    id: toGlobalId('Token', id),
    row,
    name,
    createdAt,
    expiresAt,
    revokedAt: row.revokedAt ?? null,
  });
}

export const TokenConnection = connectionType(TokenType, 'Token');

@ObjectType('Grant', {
  implements: NodeType,
  description: 'A role in a scope, held by a token, an OIDC subject or an OIDC group.',
  simpleResolvers: true,
})
export class GrantType extends NodeType {
  row!: AccessGrant;

  @Field(() => RoleEnum, { description: 'The role.' })
  role!: Role;

  @Field(() => String, { description: scopeDescription })
  scope!: string;

  @Field(() => String, {
    nullable: true,
    description: "The holder as the claim `sub` of the OIDC issuer's tokens; null: another holder.",
  })
  oidcSubject!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The holder as a group in the OIDC issuer's tokens; null: another holder.",
  })
  oidcGroup!: string | null;

  @Field(() => DateTime, { description: 'Time of the first grant.' })
  createdAt!: Date;
}

export function toGrantType(row: AccessGrant): GrantType {
  const { id, role, scope, createdAt } = row;
  return Object.assign(new GrantType(), {
    id: toGlobalId('Grant', id),
    row,
    role,
    scope,
    oidcSubject: row.oidcSubject ?? null,
    oidcGroup: row.oidcGroup ?? null,
    createdAt,
  });
}

export const GrantConnection = connectionType(GrantType, 'Grant');

@InputType('TokenGrantInput', { description: 'A role of a new token.' })
export class TokenGrantInput {
  @Field(() => RoleEnum, { description: 'The role.' })
  role!: Role;

  @Field(() => String, { description: scopeDescription })
  scope!: string;
}

@InputType('TokenCreateInput', { description: 'A new token.' })
export class TokenCreateInput {
  @Field(() => String, {
    description:
      'Display name of the person or program that uses the token: 1 to 255 visible characters, unique.',
  })
  name!: string;

  @Field(() => Int, {
    nullable: true,
    defaultValue: defaultDays,
    description: 'Lifetime in days, 1 to 3650.',
  })
  expiresInDays?: number | null;

  @Field(() => [TokenGrantInput], {
    nullable: true,
    description: `Roles of the token, at most ${mostGrants}, one per scope; null: none. A token without roles may pull from public distributions only.`,
  })
  grants?: TokenGrantInput[] | null;
}

@InputType('TokenRevokeInput', { description: 'The token to revoke.' })
export class TokenRevokeInput {
  @Field(() => ID, { description: 'The token.' })
  id!: string;
}

@InputType('GrantCreateInput', {
  description:
    'A role in a scope for one holder. Exactly one of tokenId, oidcSubject and oidcGroup is required.',
})
export class GrantCreateInput {
  @Field(() => RoleEnum, {
    description: "The role. It replaces the holder's role in the same scope.",
  })
  role!: Role;

  @Field(() => String, { description: scopeDescription })
  scope!: string;

  @Field(() => ID, { nullable: true, description: 'The token, which must not be revoked.' })
  tokenId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The holder as the claim `sub` of the OIDC issuer's tokens; null: another holder.",
  })
  oidcSubject?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The holder as a group in the OIDC issuer's tokens; null: another holder.",
  })
  oidcGroup?: string | null;
}

@InputType('GrantDeleteInput', { description: 'The grant to delete.' })
export class GrantDeleteInput {
  @Field(() => ID, { description: 'The grant.' })
  id!: string;
}

@ObjectType('TokenPayload', { description: 'The result of a token mutation.', simpleResolvers: true })
export class TokenPayload extends Payload {
  @Field(() => TokenType, { nullable: true, description: 'The token; null on error.' })
  token!: TokenType | null;

  @Field(() => String, {
    nullable: true,
    description:
      'The secret to log in with. Only tokenCreate returns it, once; the server stores its hash only.',
  })
  secret!: string | null;
}

@ObjectType('GrantPayload', { description: 'The result of a grant mutation.', simpleResolvers: true })
export class GrantPayload extends Payload {
  @Field(() => GrantType, { nullable: true, description: 'The grant; null on error.' })
  grant!: GrantType | null;
}
