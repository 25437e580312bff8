/** Each field of the API and each route, asked for by each role, about things of its own scope and of another's. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fieldRules } from '../../src/access/field-rules.ts';
import { buildApiSchema } from '../../src/api/graphql/build-schema.ts';
import { openStream } from '../support/api/graphql-client.ts';
import { pull } from '../support/api/pull.ts';
import { fieldRows, routeRows } from './role-rows.ts';
import type { FieldRow, Least, RouteRow } from './role-rows.ts';
import { callers, startAccessScene } from './support/scene.ts';
import type { AccessScene, Caller, Things } from './support/scene.ts';

let scene: AccessScene;
/** For requests that only read. */
let kept: { readonly own: Things; readonly others: Things };
beforeAll(async () => {
  scene = await startAccessScene();
  kept = { own: await scene.makeThings('team'), others: await scene.makeThings('other') };
});
afterAll(async () => {
  // their ids are those of other tests' clean-ups, too, and no worker is here to end them
  const runs =
    (await scene?.api.sql("select workflow_id, run_id from task where name like 'content.%'")) ?? [];
  for (const run of runs)
    await scene.api.client.workflow
      .getHandle(String(run['workflow_id']), String(run['run_id']))
      .terminate()
      .catch(() => undefined);
  await scene?.close();
});

/** From the least to the most; `signedIn` is between those without a login and those with a role. */
const ranks: readonly (Least | Caller)[] = [
  'everybody',
  'anonymous',
  'signedIn',
  'stranger',
  'reader',
  'pusher',
  'maintainer',
  'admin',
  'root',
];

function isEnough(caller: Caller, least: Least): boolean {
  return ranks.indexOf(caller) >= ranks.indexOf(least);
}

interface Answer {
  readonly shown: boolean;
  /** What it says, without the names and ids that it was asked for. */
  readonly text: string;
}

async function ask(row: FieldRow, caller: Caller, things: Things): Promise<Answer> {
  const [kind = '', name = ''] = row.field.split('.');
  const query = `${kind.toLowerCase()} { ${row.ask(things)} }`;
  const token = scene.tokens[caller];
  const text =
    kind === 'Subscription' ? await stream(query, token) : (await scene.api.graphql(query, {}, token)).text;
  const { data, errors } = JSON.parse(/^data: (.+)$/m.exec(text)?.[1] ?? text) as {
    data?: Record<string, { readonly userErrors?: readonly { readonly code: string }[] } | null>;
    errors?: readonly object[];
  };
  const value = data?.[name] ?? null;
  const mistakes = (value?.userErrors ?? []).filter(
    ({ code }) => !(row.runsAlone === true && code === 'IN_USE'),
  );
  const isDone = errors === undefined && value !== null && mistakes.length === 0;
  const wanted = row.shows?.(things);
  return {
    shown: isDone && (wanted === undefined || JSON.stringify(value).includes(wanted)),
    text: blank(text, things),
  };
}

function blank(text: string, things: Things): string {
  return Object.values(things).reduce<string>((rest, value) => rest.replaceAll(String(value), '…'), text);
}

async function stream(query: string, token: string | undefined): Promise<string> {
  const response = await openStream(scene.api.url, { query, token });
  return response.text();
}

describe('the table is whole', () => {
  const schema = buildApiSchema();
  const fields = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap(
    (type) => Object.keys(type?.getFields() ?? {}).map((field) => `${type?.name}.${field}`),
  );

  test('each field of the roots has a row here and a rule in src/access/field-rules.ts', () => {
    expect([...new Set(fieldRows.map((row) => row.field))].sort()).toEqual(fields.sort());
    expect(Object.keys(fieldRules).sort()).toEqual(fields.sort());
  });

  test('each route has a row', async () => {
    // one of Fastify's serves all below /v2/: what it takes is asked of itself
    const routes = scene.api.routes.filter((route) => !route.endsWith(' /v2/'));
    const things = kept.own;
    const below = routeRows.filter((row) => !row.route.includes(' /'));
    const taken: string[] = [];
    for (const resource of new Set(below.map((row) => row.route.split(' ')[1] ?? ''))) {
      const [row] = below.filter(({ route }) => route.endsWith(` ${resource}`));
      const { headers } = await send('OPTIONS', row?.path(things) ?? '', 'root');
      for (const method of String(headers['allow']).split(', ')) taken.push(`${method} ${resource}`);
    }
    expect(routeRows.map((row) => row.route).sort()).toEqual([...routes, ...taken].sort());
  });
});

describe('fields', () => {
  test.each(fieldRows.map((row, index) => [`${row.field} (${index})`, row] as const))(
    '%s',
    async (_, row) => {
      const isRead = !row.field.startsWith('Mutation.');
      let own = isRead ? kept.own : await scene.makeThings('team');
      let others = isRead ? kept.others : await scene.makeThings('other');
      const shown: Record<string, readonly [boolean, boolean]> = {};
      const expected: Record<string, readonly [boolean, boolean]> = {};
      const askAs = async (caller: Caller) => {
        const ofOwn = await ask(row, caller, own);
        const ofOthers = await ask(row, caller, others);
        shown[caller] = [ofOwn.shown, ofOthers.shown];
        const mayOthers = row.isOfCaller === true || caller === 'root';
        expected[caller] = [isEnough(caller, row.least), isEnough(caller, row.least) && mayOthers];
        // fault 91: of others' things nobody learns that they are there
        if (caller !== 'root') expect(ofOthers.text).toBe((await ask(row, caller, absent(others))).text);
        // what was done cannot be done again
        if (ofOwn.shown && !isRead) own = await scene.makeThings('team');
        if (ofOthers.shown && !isRead) others = await scene.makeThings('other');
      };
      if (isRead) await Promise.all(callers.map(askAs));
      else for (const caller of callers) await askAs(caller);
      expect(shown).toEqual(expected);
    },
  );
});

/** Ids and names like these, of nothing. */
function absent(things: Things): Things {
  const entries = Object.entries(things).map(([key, value]) => [
    key,
    key === 'digest' ? value : nothingLike(String(value)),
  ]);
  return Object.fromEntries(entries) as Things;
}

function nothingLike(value: string): string {
  if (value.startsWith('other/')) return `other/absent${value.slice('other/'.length)}`;
  const [type = '', ...key] = Buffer.from(value, 'base64url').toString().split(':');
  return Buffer.from([type, '999999999', ...key.slice(1)].join(':')).toString('base64url');
}

function send(method: string, path: string, caller: Caller) {
  const token = scene.tokens[caller];
  const isGraphql = path.startsWith('/graphql');
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(isGraphql
      ? { 'content-type': 'application/json', accept: path.includes('stream') ? 'text/event-stream' : '*/*' }
      : {}),
  };
  const body = method === 'POST' && isGraphql ? '{"query":"{ __typename }"}' : '';
  const length = ['GET', 'HEAD'].includes(method) ? {} : { 'content-length': String(body.length) };
  return pull(scene.api.url, { method, path, headers: { ...headers, ...length }, body });
}

/** An answer to HEAD has no body that says why; the things are there, but for a blob of the manifest's digest. */
function isAbsentTo(method: string, status: number, row: RouteRow): boolean {
  return method === 'HEAD' && status === 404 && !row.route.endsWith('blob');
}

/** Whether the caller was let in: what comes then is another test's. */
async function isLetIn(row: RouteRow, caller: Caller, things: Things): Promise<boolean> {
  const method = row.route.split(' ')[0] ?? '';
  const { status, body } = await send(method, row.path(things), caller);
  return (
    status !== 401 &&
    status !== 403 &&
    !body.toString().includes('NAME_UNKNOWN') &&
    !isAbsentTo(method, status, row)
  );
}

describe('routes', () => {
  const rows = routeRows.map((row) => [row.route, row] as const);

  test.each(rows)('%s', async (_, row) => {
    const letIn: Record<string, boolean> = {};
    const expected: Record<string, boolean> = {};
    const isRead = /^(?:GET|HEAD|OPTIONS) /.test(row.route);
    let things = isRead ? kept.own : await scene.makeThings('team');
    for (const caller of callers) {
      const isIn = await isLetIn(row, caller, things);
      letIn[caller] = isIn;
      expected[caller] = isEnough(caller, row.least);
      if (isIn && !isRead) things = await scene.makeThings('team');
    }
    // to those who may not read, who refers to what is as empty as of nothing; a blob's HEAD is 404 either way
    for (const caller of ['stranger'] as const)
      if (/referrers$|^HEAD blob$/.test(row.route)) expected[caller] = letIn[caller] ?? false;
    expect(letIn).toEqual(expected);
  });

  test.each(rows.filter(([route]) => !route.includes(' /')))(
    'fault 82: %s says the same of what is private and what is not there',
    async (_, row) => {
      const method = row.route.split(' ')[0] ?? '';
      const things = /^(?:GET|HEAD|OPTIONS)$/.test(method) ? kept.others : await scene.makeThings('other');
      for (const caller of callers.filter((one) => one !== 'root')) {
        const [there, not] = await Promise.all(
          [things, absent(things)].map((one) => send(method, row.path(one), caller)),
        );
        expect(there?.status).toBe(not?.status);
        for (const part of ['body', 'headers'] as const)
          expect(tell(there?.[part], things)).toBe(tell(not?.[part], absent(things)));
      }
    },
  );
});

function tell(part: unknown, things: Things): string {
  const text = Buffer.isBuffer(part) ? part.toString() : JSON.stringify({ ...(part as object), date: '' });
  return blank(text, things).replaceAll(/"content-length":"\d+"/g, '');
}
