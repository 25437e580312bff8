/** Writes the types that the console's operations are checked with, from schema/schema.graphql. `npm run schema` runs it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSchema, introspectionFromSchema } from 'graphql';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const consoleTypesPath = join(root, 'web', 'src', 'graphql', 'schema-types.d.ts');

export function consoleTypes() {
  const tada = createRequire(createRequire(import.meta.url).resolve('gql.tada/package.json'));
  const { minifyIntrospection, outputIntrospectionFile } = tada('@gql.tada/internal');
  const schema = buildSchema(readFileSync(join(root, 'schema', 'schema.graphql'), 'utf8'));
  const introspection = minifyIntrospection(introspectionFromSchema(schema, { descriptions: false }));
  return outputIntrospectionFile(introspection, { fileType: '.d.ts', shouldPreprocess: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(consoleTypesPath, consoleTypes());
