import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { TidemarkError } from '../../src/oci/error.ts';
import { openCalls } from '../../src/threads/thread-calls.ts';

type Adder = { add(input: { readonly one: number; readonly other: number }): Promise<number> | number };
type Odd = { ours(input: undefined): void; system(input: undefined): void; hang(input: undefined): void };

const refused = new TidemarkError('ODD_REFUSED', 'It is refused.', {
  origin: 'caller',
  retryable: true,
  status: 418,
  retryAfterMs: 7,
  cause: Object.assign(new Error('full'), { code: 'ENOSPC' }),
});
const odd: Odd = {
  ours() {
    throw refused;
  },
  system() {
    throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
  },
  hang: () => new Promise(() => undefined) as never,
};

function connect() {
  const { port1, port2 } = new MessageChannel();
  let closed = 0;
  const near = openCalls<Odd>(
    port1,
    { add: ({ one, other }: Parameters<Adder['add']>[0]) => one + other },
    () => {
      closed += 1;
    },
  );
  const far = openCalls<Adder>(port2, odd);
  return { near, far, closedTimes: () => closed };
}

test('both sides call each other, and errors keep their code, their cause and what they ask for', async () => {
  const { near, far } = connect();
  expect(await far.call('add', { one: 1, other: 2 })).toBe(3);
  const failure = (await near.call('ours', undefined).catch((error: unknown) => error)) as TidemarkError;
  expect(failure).toBeInstanceOf(TidemarkError);
  expect(failure).toMatchObject({
    code: 'ODD_REFUSED',
    message: 'It is refused.',
    origin: 'caller',
    retryable: true,
    status: 418,
    retryAfterMs: 7,
    cause: { code: 'ENOSPC' },
  });
  await expect(near.call('system', undefined)).rejects.toMatchObject({ code: 'ENOSPC' });
  near.close();
});

test('a closed port fails the calls that wait, and later ones', async () => {
  const { near, far, closedTimes } = connect();
  const waiting = near.call('hang', undefined);
  far.close();
  const lost = { code: 'THREAD_LOST', origin: 'server', retryable: true };
  await expect(waiting).rejects.toMatchObject(lost);
  await expect(near.call('hang', undefined)).rejects.toMatchObject(lost);
  expect(closedTimes()).toBe(1);
});
