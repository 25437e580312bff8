import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { isAtLeast } from '../../../access/scope.ts';
import { may } from '../../../access/viewer.ts';
import type { Viewer } from '../../../access/viewer.ts';
import { roles } from '../../../db/access/roles.ts';
import type { Role } from '../../../db/access/roles.ts';
import { DateTime } from '../scalars.ts';
import { RoleEnum } from './access.type.ts';

/** Anonymous callers reach no field. */
export const ViewerKindEnum = { EVERYBODY: 'everybody', TOKEN: 'token', SUBJECT: 'subject' } as const;

registerEnumType(ViewerKindEnum, {
  name: 'ViewerKind',
  description: 'How a caller is known.',
  valuesConfig: {
    EVERYBODY: { description: 'Logins are off: every caller may do everything.' },
    TOKEN: { description: 'A token of this server.' },
    SUBJECT: { description: 'A subject of the OIDC issuer.' },
  },
});

@ObjectType('ViewerRole', { description: 'A role of the caller in a scope.', simpleResolvers: true })
export class ViewerRoleType {
  @Field(() => RoleEnum, { description: 'The role.' })
  role!: Role;

  @Field(() => String, { description: 'The scope: "*", "team/*" or one name.' })
  scope!: string;
}

@ObjectType('Viewer', { description: 'The caller, and what the caller may do.', simpleResolvers: true })
export class ViewerType {
  @Field(() => ViewerKindEnum, { description: 'How the caller is known.' })
  kind!: Viewer['kind'];

  @Field(() => String, { description: 'Name of the token, or the OIDC subject.' })
  name!: string;

  @Field(() => [ViewerRoleType], {
    description:
      'Roles by scope, those of OIDC groups included, ordered by scope. While logins are off: ADMIN for "*".',
  })
  roles!: ViewerRoleType[];

  @Field(() => Boolean, {
    description:
      'Whether the caller has the role ADMIN for "*": creates tokens, runs clean-ups and verifications, and rotates the key of secrets.',
  })
  isAdmin!: boolean;

  @Field(() => DateTime, { nullable: true, description: 'When the login expires; null: never.' })
  expiresAt!: Date | null;
}

export function toViewerType(viewer: Viewer): ViewerType {
  const { kind, name, grants, expiresAt } = viewer;
  const own = kind === 'everybody' ? [{ role: 'admin' as const, scope: '*' }] : highestRoles(grants);
  return Object.assign(new ViewerType(), {
    kind,
    name,
    roles: own.map((grant) => Object.assign(new ViewerRoleType(), grant)),
    isAdmin: may(viewer, 'admin', '*'),
    expiresAt: expiresAt ?? null,
  });
}

/** A subject and its groups may have several roles in a scope. */
function highestRoles(grants: Viewer['grants']): Viewer['grants'] {
  const highest = new Map<string, Role>();
  for (const { scope, role } of grants) {
    const known = highest.get(scope);
    if (known === undefined || isAtLeast(role, known)) highest.set(scope, role);
  }
  return [...highest]
    .map(([scope, role]) => ({ role, scope }))
    .sort((one, other) => (one.scope < other.scope ? -1 : 1));
}

/** The roles that a viewer has for a name, from the least. */
export function rolesFor(viewer: Viewer, name: string): Role[] {
  return roles.filter((role) => may(viewer, role, name));
}
