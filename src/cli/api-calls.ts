import { closeNames } from '../selection/close-names.ts';
import { TidemarkError } from '../oci/error.ts';
import { checkUserErrors } from './graphql-client.ts';
import type { UserError } from './graphql-client.ts';
import { nouns } from './nouns.ts';
import type { NounName } from './nouns.ts';
import type { Session } from './session.ts';

/**
 * Sends one mutation and answers the field of its payload.
 * @throws TidemarkError with the first of the user errors.
 */
export async function mutate<T>(
  session: Session,
  name: string,
  { field, fields = '', input }: { readonly field: string; readonly fields?: string; readonly input: object },
): Promise<T> {
  const selection = fields === '' ? field : `${field} { ${fields} }`;
  const payload = await mutatePayload<Readonly<Record<string, unknown>>>(session, name, { selection, input });
  const value = payload[field];
  if (value === null || value === undefined)
    throw new TidemarkError(
      'SERVER_UNEXPECTED',
      `The server answered ${name} with neither a result nor an error.`,
      { origin: 'server' },
    );
  return value as T;
}

/** The same for several fields of the payload. */
export async function mutatePayload<Payload extends object>(
  session: Session,
  name: string,
  { selection, input }: { readonly selection: string; readonly input: object },
): Promise<Payload> {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const answer = await session.request<Record<string, Payload & { userErrors: readonly UserError[] }>>(
    `mutation ($input: ${type}!) { ${name}(input: $input) { ${selection} userErrors { code field message } } }`,
    { input },
  );
  const payload = answer[name];
  checkUserErrors(payload?.userErrors ?? []);
  return payload ?? ({} as Payload);
}

/** Reads what a name or an id stands for; a name comes first. Undefined where there is nothing of it. */
export async function findIfThere<T extends { readonly id: string }>(
  session: Session,
  noun: NounName,
  nameOrId: string,
  fields = 'id',
): Promise<T | undefined> {
  const { query, key, type } = nouns[noun];
  const { named } = await session.request<{ named: T | null }>(
    `query ($value: String!) { named: ${query}(${key}: $value) { ${fields} } }`,
    { value: nameOrId },
  );
  if (named !== null) return named;
  const { node } = await session
    .request<{ node: T | null }>(`query ($id: ID!) { node(id: $id) { ... on ${type} { ${fields} } } }`, {
      id: nameOrId,
    })
    .catch(() => ({ node: null }));
  return node !== null && typeof node.id === 'string' ? node : undefined;
}

/**
 * The same of what has to be there.
 * @param advice A sentence more for where it is not.
 * @throws TidemarkError `NOT_FOUND`
 */
export async function findNamed<T extends { readonly id: string }>(
  session: Session,
  noun: NounName,
  nameOrId: string,
  fields = 'id',
  advice = '',
): Promise<T> {
  const found = await findIfThere<T>(session, noun, nameOrId, fields);
  if (found !== undefined) return found;
  const { words, list } = nouns[noun];
  const hint = closeTo(nameOrId, await firstNames(session, noun));
  throw notFound(
    `There is no ${words} ${JSON.stringify(nameOrId)}${hint} "tidemark ${list}" lists them.${advice}`,
  );
}

/** The end of a sentence: `; close: app, app2.`, or a full stop. */
export function closeTo(wanted: string, names: readonly string[]): string {
  const close = closeNames(wanted, names);
  return close.length === 0 ? '.' : `; close: ${close.join(', ')}.`;
}

/** So many names are looked at for a hint. */
const namesMax = 500;

async function firstNames(session: Session, noun: NounName): Promise<string[]> {
  const { connection, key } = nouns[noun];
  const document = { connection, nodes: key };
  const found = await readList<Readonly<Record<string, string>>>(session, document, { first: namesMax });
  return (found?.nodes ?? []).flatMap((node) => node[key] ?? []);
}

export function notFound(message: string): TidemarkError {
  return new TidemarkError('NOT_FOUND', message, { origin: 'caller' });
}

export interface List<T> {
  readonly totalCount: number;
  readonly nodes: readonly T[];
}

interface PageOf<T> extends List<T> {
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/** A connection of the API. */
export interface ListDocument {
  readonly connection: string;
  /** Arguments of the connection beside `first` and `after`: `name: $name`. */
  readonly filter?: string;
  /** The fields around it, the outermost first: `repository(id: $id)`. */
  readonly within?: readonly string[];
  /** Each variable with its type: `{ name: ['String', 'team/*'] }`. */
  readonly variables?: Readonly<Record<string, readonly [string, unknown]>>;
  readonly nodes: string;
}

const pageSize = 100;

/** Reads a list page by page: `first` rows, or all. Undefined where a field around it is null. */
export async function readList<T>(
  session: Session,
  { connection, filter = '', within = [], variables = {}, nodes }: ListDocument,
  { first = 0, all = false }: { readonly first?: number; readonly all?: boolean },
): Promise<List<T> | undefined> {
  const head = Object.entries(variables).map(([name, [type]]) => `, $${name}: ${type}`);
  const list = `list: ${connection}(first: $first, after: $after ${filter}) {
    totalCount pageInfo { hasNextPage endCursor } nodes { ${nodes} } }`;
  const body = within.reduceRight((inner, field) => `${field} { ${inner} }`, list);
  const query = `query ($first: Int!, $after: String${head.join('')}) { ${body} }`;
  const values = given(
    Object.fromEntries(Object.entries(variables).map(([name, [, value]]) => [name, value])),
  );
  const found: T[] = [];
  let after: string | null = null;
  for (;;) {
    const wanted = all ? pageSize : Math.min(pageSize, first - found.length);
    const data: Record<string, unknown> = await session.request(query, { ...values, first: wanted, after });
    const page = findList<T>(data);
    if (page === undefined) return undefined;
    found.push(...page.nodes);
    if (!page.pageInfo.hasNextPage || (!all && found.length >= first))
      return { totalCount: page.totalCount, nodes: found };
    after = page.pageInfo.endCursor;
  }
}

function findList<T>(data: Record<string, unknown>): PageOf<T> | undefined {
  if ('list' in data) return data['list'] as PageOf<T>;
  const [inner] = Object.values(data);
  return inner === null || inner === undefined ? undefined : findList(inner as Record<string, unknown>);
}

/** Leaves out what was not given, so that the server's defaults and stored values stay. */
export function given(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
