import {
  GraphQLEnumType,
  GraphQLInputObjectType,
  GraphQLList,
  GraphQLNonNull,
  isInputObjectType,
} from 'graphql';
import type { GraphQLInputField, GraphQLInputType } from 'graphql';
import { buildApiSchema } from '../build-schema.ts';

type Schema = Record<string, unknown>;

/** Any text of the file may be read from elsewhere. */
const textSources = {
  properties: {
    env: { type: 'string', description: 'The environment variable that has the text.' },
    file: { type: 'string', description: 'The file that has the text, relative to this one.' },
  },
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
};

/** The JSON Schema of tidemark.yaml, made from `ConfigurationInput` (JSON Schema 2020-12). */
export function fileSchema(): Schema {
  const root = buildApiSchema().getType('ConfigurationInput');
  if (!isInputObjectType(root)) throw new Error('there is no ConfigurationInput');
  const schema = objectSchema(root);
  const { properties } = schema as { properties: Record<string, Schema> };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'tidemark.yaml',
    ...schema,
    properties: {
      $schema: { type: 'string', description: 'The address of this schema, for editors.' },
      ...properties,
    },
    // a place for YAML anchors
    patternProperties: { '^x-': {} },
  };
}

/** As in schema/tidemark.schema.json. */
export function printFileSchema(): string {
  return `${JSON.stringify(fileSchema(), undefined, 2)}\n`;
}

function objectSchema(type: GraphQLInputObjectType): Schema {
  const fields = Object.values(type.getFields());
  const required = fields.filter(isRequired).map(({ name }) => name);
  return {
    type: 'object',
    description: type.description ?? '',
    properties: Object.fromEntries(fields.map((field) => [field.name, fieldSchema(type, field)])),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

function isRequired({ type, defaultValue }: GraphQLInputField): boolean {
  return type instanceof GraphQLNonNull && defaultValue === undefined;
}

function fieldSchema(parent: GraphQLInputObjectType, field: GraphQLInputField): Schema {
  const { type, description, defaultValue } = field;
  const schema = valueSchema(type);
  const isInPlace = parent.name === 'ConfiguredRepositoryInput' && field.name === 'remote';
  return {
    ...(isInPlace ? remoteInPlace() : schema),
    description: isInPlace ? `${description} Or the remote itself, named as the repository.` : description,
    ...(defaultValue !== undefined && { default: defaultValue }),
    ...(/write-only/i.test(description ?? '') && { writeOnly: true }),
  };
}

/** A repository may have its remote in place. */
function remoteInPlace(): Schema {
  const type = buildApiSchema().getType('ConfiguredRemoteInput');
  if (!isInputObjectType(type)) throw new Error('there is no ConfiguredRemoteInput');
  const { properties } = objectSchema(type) as { properties: Record<string, Schema> };
  return {
    type: ['string', 'object', 'null'],
    properties,
    required: ['url', 'upstreamName'],
    additionalProperties: false,
  };
}

function valueSchema(type: GraphQLInputType): Schema {
  if (type instanceof GraphQLNonNull) return bareSchema(type.ofType);
  const schema = bareSchema(type);
  return {
    ...schema,
    type: [schema['type'], 'null'].flat(),
    ...('enum' in schema && { enum: [schema['enum'], null].flat() }),
  };
}

function bareSchema(type: GraphQLInputType): Schema {
  if (type instanceof GraphQLList) return { type: 'array', items: valueSchema(type.ofType) };
  if (type instanceof GraphQLInputObjectType) return objectSchema(type);
  if (type instanceof GraphQLEnumType)
    return { type: 'string', enum: type.getValues().map(({ name }) => name) };
  const name = 'name' in type ? type.name : '';
  if (name === 'Int') return { type: 'integer' };
  if (name === 'ByteCount') return { type: 'integer', minimum: 0 };
  if (name === 'Float') return { type: 'number' };
  if (name === 'Boolean') return { type: 'boolean' };
  return { type: ['string', 'object'], ...textSources };
}
