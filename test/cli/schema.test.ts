import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { buildApiSchema } from '../../src/api/graphql/build-schema.ts';

/* The command line reaches whatever the API can do. */

const folder = new URL('../../src/cli/', import.meta.url);
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(new URL(name, folder), 'utf8'))
  .join('\n');

/** Fields that no command needs, and why. */
const exceptions: Readonly<Record<string, string>> = {
  'Query.schedule': 'schedule list shows every field',
  'Mutation.tokenCreate': 'token create makes tokens on the server, where no login is needed yet',
};

const schema = buildApiSchema();
const fields = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap(
  (type) => Object.keys(type?.getFields() ?? {}).map((field) => `${type?.name}.${field}`),
);

test.each(fields.filter((field) => exceptions[field] === undefined))('%s is used by a command', (field) => {
  const name = new RegExp(`\\b${field.split('.')[1]}\\b`);
  expect(name.test(sources)).toBe(true);
});

test('every exception names a field of the schema', () => {
  expect(Object.keys(exceptions).filter((field) => !fields.includes(field))).toEqual([]);
});
