import { Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { AccessGrant, AccessToken } from '../../../db/schema/access.ts';
import type { Role } from '../../../db/access/roles.ts';
import { connectionType } from '../connection.ts';
import { defaultDays, mostGrants } from '../../../operations/access.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { DateTime } from '../scalars.ts';
import { UserError } from '../user-error.type.ts';

/** In capitals for clients, as all enums. */
export const RoleEnum = {
  READER: 'reader',
  PUSHER: 'pusher',
  MAINTAINER: 'maintainer',
  ADMIN: 'admin',
} as const satisfies Record<Uppercase<Role>, Role>;

registerEnumType(RoleEnum, {
  name: 'Role',
  description: 'What somebody may do inside a scope. Each may what those before it may.',
  valuesConfig: {
    READER: { description: 'Sees repositories, versions, tasks, remotes and distributions, and pulls.' },
    PUSHER: { description: 'Pushes, also what makes a new repository; tags and copies content.' },
    MAINTAINER: {
      description:
        'Creates, changes, deletes, syncs and restores repositories; remotes and distributions likewise; cancels tasks.',
    },
    ADMIN: { description: 'Grants roles inside the scope; for the scope "*", makes and revokes tokens.' },
  },
});

const scopeDescription =
  'Where the role holds: "*" for everything, "team/*" for all names that begin with team/, or one name. Names of repositories, ' +
  'of distributions (base paths) and of remotes are meant alike.';

@ObjectType('Token', {
  implements: NodeType,
  description: 'What a person or program logs in with. The text itself is shown once, by tokenCreate.',
  simpleResolvers: true,
})
export class TokenType extends NodeType {
  row!: AccessToken;

  @Field(() => String, {
    description: 'For people; of the tokens that are not revoked no two have the same.',
  })
  name!: string;

  @Field(() => DateTime, { description: 'When it was made.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'When it ends to count.' })
  expiresAt!: Date;

  @Field(() => DateTime, { nullable: true, description: 'When it was revoked; null: it was not.' })
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
  description:
    'That somebody has a role in a scope. Exactly one of token, oidcSubject and oidcGroup says who.',
  simpleResolvers: true,
})
export class GrantType extends NodeType {
  row!: AccessGrant;

  @Field(() => RoleEnum, { description: 'What they may do.' })
  role!: Role;

  @Field(() => String, { description: scopeDescription })
  scope!: string;

  @Field(() => String, { nullable: true, description: 'The claim `sub` of tokens of the OIDC issuer.' })
  oidcSubject!: string | null;

  @Field(() => String, { nullable: true, description: 'A group in tokens of the OIDC issuer.' })
  oidcGroup!: string | null;

  @Field(() => DateTime, { description: 'When it was first granted.' })
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

@InputType('TokenGrantInput', { description: 'A role that a new token has from the start.' })
export class TokenGrantInput {
  @Field(() => RoleEnum, { description: 'What it may do.' })
  role!: Role;

  @Field(() => String, { description: scopeDescription })
  scope!: string;
}

@InputType('TokenCreateInput', { description: 'A new token.' })
export class TokenCreateInput {
  @Field(() => String, {
    description: 'For people: who or what logs in with it. 1 to 255 visible characters.',
  })
  name!: string;

  @Field(() => Int, {
    nullable: true,
    defaultValue: defaultDays,
    description: 'How long it counts, 1 to 3650 days.',
  })
  expiresInDays?: number | null;

  @Field(() => [TokenGrantInput], {
    nullable: true,
    description: `Its roles, at most ${mostGrants}, one a scope. Without any it may only pull what everybody may.`,
  })
  grants?: TokenGrantInput[] | null;
}

@InputType('TokenRevokeInput', { description: 'A token that is to count no more.' })
export class TokenRevokeInput {
  @Field(() => ID, { description: 'The token.' })
  id!: string;
}

@InputType('GrantCreateInput', {
  description: 'A role in a scope, and exactly one of tokenId, oidcSubject and oidcGroup.',
})
export class GrantCreateInput {
  @Field(() => RoleEnum, {
    description: 'What they may do; it replaces the role that they have in this very scope.',
  })
  role!: Role;

  @Field(() => String, { description: scopeDescription })
  scope!: string;

  @Field(() => ID, { nullable: true, description: 'A token that is not revoked.' })
  tokenId?: string | null;

  @Field(() => String, { nullable: true, description: 'The claim `sub` of tokens of the OIDC issuer.' })
  oidcSubject?: string | null;

  @Field(() => String, { nullable: true, description: 'A group in tokens of the OIDC issuer.' })
  oidcGroup?: string | null;
}

@InputType('GrantDeleteInput', { description: 'A grant to take back.' })
export class GrantDeleteInput {
  @Field(() => ID, { description: 'The grant.' })
  id!: string;
}

@ObjectType('TokenPayload', { description: 'What a mutation made of a token.', simpleResolvers: true })
export class TokenPayload {
  @Field(() => TokenType, { nullable: true, description: 'The token; null where there were mistakes.' })
  token!: TokenType | null;

  @Field(() => String, {
    nullable: true,
    description: 'What to log in with. Only tokenCreate answers it, this once: it is stored nowhere.',
  })
  secret!: string | null;

  @Field(() => [UserError], { description: "All of the caller's mistakes; empty when it was done." })
  userErrors!: UserError[];
}

@ObjectType('GrantPayload', { description: 'What a mutation made of a grant.', simpleResolvers: true })
export class GrantPayload {
  @Field(() => GrantType, { nullable: true, description: 'The grant; null where there were mistakes.' })
  grant!: GrantType | null;

  @Field(() => [UserError], { description: "All of the caller's mistakes; empty when it was done." })
  userErrors!: UserError[];
}
