import { readFile } from 'node:fs/promises';
import {
  isEnumType,
  isInputObjectType,
  getNamedType,
  isInterfaceType,
  isIntrospectionType,
  isLeafType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql';
import type { GraphQLNamedType } from 'graphql';
import { describe, expect, test } from 'vitest';
import { printFileSchema } from '../../src/api/graphql/configuration/file-schema.ts';
import { buildApiSchema, printContractSchema } from '../../src/api/graphql/build-schema.ts';

test('schema/schema.graphql is what the code says', async () => {
  const stored = await readFile(new URL('../../schema/schema.graphql', import.meta.url), 'utf8');
  expect(stored === printContractSchema(), 'schema/schema.graphql is stale: run npm run schema').toBe(true);
});

test('schema/tidemark.schema.json is what the code says', async () => {
  const stored = await readFile(new URL('../../schema/tidemark.schema.json', import.meta.url), 'utf8');
  expect(stored === printFileSchema(), 'schema/tidemark.schema.json is stale: run npm run schema').toBe(true);
});

/** All that a type describes: itself, its fields or values, and their arguments. */
function descriptions(type: GraphQLNamedType): (readonly [string, string | null | undefined])[] {
  const own = [[type.name, type.description] as const];
  if (isEnumType(type))
    return [
      ...own,
      ...type.getValues().map((value) => [`${type.name}.${value.name}`, value.description] as const),
    ];
  if (isInputObjectType(type))
    return [
      ...own,
      ...Object.values(type.getFields()).map(
        (field) => [`${type.name}.${field.name}`, field.description] as const,
      ),
    ];
  if (!isObjectType(type) && !isInterfaceType(type)) return own;
  return [
    ...own,
    ...Object.values(type.getFields()).flatMap((field) => [
      [`${type.name}.${field.name}`, field.description] as const,
      ...field.args.map(
        (argument) => [`${type.name}.${field.name}(${argument.name})`, argument.description] as const,
      ),
    ]),
  ];
}

const types = Object.values(buildApiSchema().getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
);

test('every type, field, argument and enum value is described', () => {
  const all = types.flatMap(descriptions);
  expect(all.length).toBeGreaterThan(200);
  expect(all.filter(([, text]) => !text).map(([name]) => name)).toEqual([]);
});

describe('fault 90: secrets are write-only', () => {
  test('no output type has a field that could hold one', () => {
    const suspicious = types.filter(isObjectType).flatMap((type) =>
      Object.values(type.getFields())
        .filter((field) => isLeafType(getNamedType(field.type)))
        .filter((field) => /password|key|secret|header|sealed|token/i.test(field.name))
        .map((field) => `${type.name}.${field.name}`),
    );
    expect(suspicious.sort()).toEqual([
      // whether there are any, and which fields they are
      'ConfigurationFieldChange.isSecret',
      'ConfiguredThing.secrets',
      'Credential.hasSecret',
      'Remote.hasPassword',
      'Remote.hasSslClientKey',
      'Remote.headerNames',
      // how many there are
      'SecretsRotatePayload.resealed',
      'Signature.keyId',
      // public ones
      'SignaturePolicy.keys',
      'SignaturePolicy.openPgpKeys',
      // shown once, by tokenCreate; test/access/tokens.test.ts looks for it where it must not be
      'TokenPayload.secret',
      // a time
      'Webhook.earlierSecretUntil',
      // shown once, by webhookCreate and webhookRotateSecret
      'WebhookPayload.secret',
    ]);
  });
});
