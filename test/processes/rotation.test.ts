/** The API is SIGKILLed in the middle of a rotation of the secrets' key. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { expect, test } from 'vitest';
import { createSecretBox } from '../../src/access/secrets.ts';
import type { SecretBox } from '../../src/access/secrets.ts';
import { Remote } from '../../src/db/schema/remotes.ts';
import { testSecret } from '../support/test-secret.ts';
import { until } from '../support/until.ts';
import type { Program } from '../support/program/program.ts';
import { openStack } from './stack.ts';
import type { Stack } from './stack.ts';

/** Of two pages, as a rotation goes through them. */
const remotes = 150;

const urlOf = (api: Program): string => /API ready on (http:\/\/[\w.:]+)/.exec(api.output())?.[1] ?? 'no URL';

async function makeRemotes(stack: Stack): Promise<Map<number, string>> {
  const em = stack.em();
  const made = Array.from({ length: remotes }, (_, number) =>
    em.create(Remote, { name: `remote-${number}`, url: 'https://r.example', upstreamName: 'a' }),
  );
  await em.flush();
  for (const remote of made)
    remote.passwordSealed = stack.secrets.encrypt(
      testSecret(`rotated-${remote.id}`),
      `remote:${remote.id}:password`,
    );
  await em.flush();
  return new Map(made.map(({ id }) => [id, testSecret(`rotated-${id}`)]));
}

async function readSealed(stack: Stack): Promise<{ id: number; sealed: string }[]> {
  const found = await stack.em().findAll(Remote, { orderBy: { id: 'asc' } });
  return found.map(({ id, passwordSealed }) => ({ id, sealed: passwordSealed ?? '' }));
}

const openAll = async (stack: Stack, box: SecretBox) =>
  new Map(
    (await readSealed(stack)).map(({ id, sealed }) => [id, box.decrypt(sealed, `remote:${id}:password`)]),
  );

test('fault 108: a SIGKILL during a key rotation loses no secret; the next start needs both keys, and completes the rotation', async () => {
  const stack = await openStack();
  const holder = new pg.Client({ connectionString: stack.databaseUrl });
  try {
    const secrets = await makeRemotes(stack);
    const newKey = randomBytes(32);
    const oldText = stack.settings.TIDEMARK_SECRET_KEY;
    const newText = newKey.toString('base64');
    const both = { TIDEMARK_SECRET_KEY: `${newText},${oldText}` };
    const newBox = createSecretBox([newKey]);
    const countNew = async () =>
      (await readSealed(stack)).filter(({ sealed }) => newBox.isCurrent(sealed)).length;

    await holder.connect();
    await holder.query('begin');
    await holder.query('select from remote where id = $1 for update', [[...secrets.keys()].at(-1)]);
    const killed = await stack.launch('api', both);
    const rotating = stack.run(['rotate-key'], { TIDEMARK_SERVER: urlOf(killed) });
    await until(async () => (await countNew()) > 0);
    expect(await killed.end('SIGKILL')).toBe(null);
    expect(await rotating.ended()).toBe(1);
    await holder.query('rollback');

    const done = await countNew();
    expect(done).toBe(100);
    const box = createSecretBox([newKey, Buffer.from(oldText, 'base64')]);
    expect(await openAll(stack, box)).toEqual(secrets);
    for (const alone of [newText, oldText]) {
      const refused = stack.run(['api'], { TIDEMARK_SECRET_KEY: alone });
      expect(await refused.ended()).toBe(1);
      expect(refused.output()).toContain('SECRET_KEY_UNKNOWN');
    }

    const next = await stack.launch('api', both);
    expect(next.output()).toContain(
      `Finished an interrupted key rotation: ${remotes - done} secrets encrypted with the first key`,
    );
    const again = stack.run(['rotate-key'], { TIDEMARK_SERVER: urlOf(next) });
    expect(await again.ended()).toBe(0);
    expect(again.output()).toContain('0 secrets encrypted with the first key');
    expect(await openAll(stack, newBox)).toEqual(secrets);
    await next.end('SIGTERM');
    await stack.launch('api', { TIDEMARK_SECRET_KEY: newText });
  } finally {
    await holder.end();
    await stack.close();
  }
});
