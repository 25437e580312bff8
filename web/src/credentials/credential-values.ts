import type { ResultOf } from '../graphql/graphql.ts';
import type { CredentialQuery } from './credential-queries.ts';

export type Credential = NonNullable<ResultOf<typeof CredentialQuery>['credential']>;
type Kind = Credential['kind'];

export const kinds: readonly { readonly value: Kind; readonly label: string }[] = [
  { value: 'STATIC', label: 'User name and password' },
  { value: 'DOCKER_CONFIG', label: "Docker's config.json, mounted for the server" },
  { value: 'HELPER', label: 'Credential helper of the server' },
  { value: 'ECR', label: 'Amazon ECR' },
  { value: 'GOOGLE', label: 'Google Cloud' },
  { value: 'AZURE', label: 'Azure Container Registry' },
];

/** The form: the API's fields, where null is none. Undefined secrets are kept. */
export function valuesOf(credential: Credential | undefined) {
  return {
    name: credential?.name ?? '',
    kind: credential?.kind ?? 'STATIC',
    /** Separated by commas. */
    hosts: credential?.hosts?.join(', ') ?? '',
    username: credential?.username ?? null,
    password: undefined as string | undefined,
    configFile: credential?.configFile ?? null,
    helper: credential?.helper ?? null,
    region: credential?.region ?? null,
    roleArn: credential?.roleArn ?? null,
    serviceAccountKey: undefined as string | undefined,
    clientId: credential?.clientId ?? null,
  };
}

export type Values = ReturnType<typeof valuesOf>;

/** The fields of each kind; others are not sent. */
const fieldsOf: Readonly<Record<Kind, readonly (keyof Values)[]>> = {
  STATIC: ['username', 'password'],
  DOCKER_CONFIG: ['configFile'],
  HELPER: ['helper'],
  ECR: ['region', 'roleArn'],
  GOOGLE: ['serviceAccountKey'],
  AZURE: ['clientId'],
};

/** The fields that differ from the stored credential, as the API takes them. */
export function inputOf(values: Values, stored: Values) {
  const hosts = values.hosts.split(/[\s,]+/).filter((host) => host !== '');
  const own = fieldsOf[values.kind].filter((field) => values[field] !== stored[field]);
  return {
    ...(values.hosts === stored.hosts ? {} : { hosts: hosts.length === 0 ? null : hosts }),
    ...Object.fromEntries(own.map((field) => [field, values[field]])),
  };
}
