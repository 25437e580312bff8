import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, coerceInputValue, isInputObjectType, printError } from 'graphql';
import type { EstateFile } from '../../../src/estate/convert/estate-file.ts';
import { projectRoot } from '../../support/import-graph.ts';

const schema = buildSchema(readFileSync(join(projectRoot, 'schema/schema.graphql'), 'utf8'));

/** What a file says that the inputs of the API do not know, or that lacks what they require. */
export function unknownFields(file: EstateFile): string[] {
  return [
    ...(file.credentials ?? []).flatMap((one) => mistakes('CredentialCreateInput', one)),
    ...(file.signaturePolicies ?? []).flatMap((one) => mistakes('SignaturePolicyCreateInput', one)),
    ...file.repositories.flatMap(({ remote, schedules = [], ...repository }) => {
      const { credential, signaturePolicy, ...fields } = remote;
      return [
        ...mistakes('RepositoryCreateInput', repository),
        ...mistakes('RemoteCreateInput', { name: repository.name, ...fields }),
        ...missing(credential, file.credentials),
        ...missing(signaturePolicy, file.signaturePolicies),
        ...schedules.flatMap((one) => mistakes('ScheduleCreateInput', { repositoryId: 'x', ...one })),
      ];
    }),
  ];
}

function missing(name: string | undefined, list: readonly { readonly name: string }[] = []): string[] {
  return name === undefined || list.some((one) => one.name === name)
    ? []
    : [`The file names ${name}, and has none.`];
}

/** An input that the API does not have yet is not compared. */
function mistakes(name: string, value: object): string[] {
  const type = schema.getType(name);
  if (!isInputObjectType(type)) return [];
  const found: string[] = [];
  coerceInputValue(withTexts(value), type, (path, _value, error) =>
    found.push(`${name}.${path.join('.')}: ${printError(error)}`),
  );
  return found;
}

/** `{env: NAME}` and `{file: PATH}` stand for text. */
function withTexts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTexts);
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value);
  if (keys.length === 1 && (keys[0] === 'env' || keys[0] === 'file')) return 'text';
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withTexts(one)]));
}
