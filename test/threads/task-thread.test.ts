import { expect, onTestFinished, test } from 'vitest';
import { openTaskThread, workerFile } from '../../src/threads/task-thread.ts';
import type { TaskThread, TaskThreadSettings } from '../../src/threads/task-thread.ts';
import type { OddQuestion } from './odd-worker.ts';

function open(settings: Partial<TaskThreadSettings> = {}): TaskThread<OddQuestion, string> {
  const thread = openTaskThread<OddQuestion, string>({
    file: workerFile('odd-worker', import.meta.url),
    timeoutMs: 60_000,
    memoryMb: 64,
    maxWaiting: 3,
    idleMs: 60_000,
    ...settings,
  });
  onTestFinished(() => thread.close());
  return thread;
}

const echo = (text: string): OddQuestion => ({ kind: 'echo', text });

test('questions are answered in the order asked', async () => {
  const thread = open();
  const order: string[] = [];
  const asked = ['a', 'b', 'c'].map(async (text) => order.push(await thread.run(echo(text))));
  await Promise.all(asked);
  expect(order).toEqual(['a', 'b', 'c']);
});

test('an error of ours comes with its code, a bug with its text, and the thread goes on', async () => {
  const thread = open();
  await expect(thread.run({ kind: 'refuse' })).rejects.toMatchObject({
    code: 'ODD_REFUSED',
    message: 'It is refused.',
    origin: 'caller',
    retryable: false,
  });
  await expect(thread.run({ kind: 'fail' })).rejects.toThrow('a bug');
  expect(await thread.run(echo('next'))).toBe('next');
});

test.each<[OddQuestion['kind'] & ('exit' | 'spin' | 'fill'), string, Partial<TaskThreadSettings>]>([
  ['exit', 'lost', {}],
  ['spin', 'exhausted', { timeoutMs: 500 }],
  ['fill', 'exhausted', { memoryMb: 16 }],
])(
  'a question that makes the thread %s is refused as %s; who waits behind it is answered',
  async (kind, expected, settings) => {
    const thread = open(settings);
    const odd = thread.run({ kind });
    const behind = thread.run(echo('behind'));
    await expect(odd).rejects.toMatchObject({ name: 'ThreadError', kind: expected });
    // its own time begins when its turn comes, on a new thread
    if (settings.timeoutMs === undefined) expect(await behind).toBe('behind');
    else await behind.catch(() => undefined);
  },
);

test('an abort stops the question that runs, and takes out one that waits', async () => {
  const thread = open();
  const [first, second] = [new AbortController(), new AbortController()];
  const running = thread.run({ kind: 'spin' }, { signal: first.signal });
  const waits = thread.run(echo('never'), { signal: second.signal });
  const behind = thread.run(echo('behind'));
  second.abort(new Error('second'));
  await expect(waits).rejects.toThrow('second');
  first.abort(new Error('first'));
  await expect(running).rejects.toThrow('first');
  expect(await behind).toBe('behind');
  await expect(thread.run(echo('x'), { signal: first.signal })).rejects.toThrow('first');
});

test('more than the limit do not wait', async () => {
  const thread = open();
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const running = thread.run({ kind: 'lock', gate });
  const waiting = ['a', 'b', 'c'].map((text) => thread.run(echo(text)));
  await expect(thread.run(echo('d'))).rejects.toMatchObject({ kind: 'busy' });
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  expect(await Promise.all([running, ...waiting])).toEqual(['opened', 'a', 'b', 'c']);
});

test('a thread that has rested starts again', async () => {
  const thread = open({ idleMs: 1 });
  expect(await thread.run(echo('one'))).toBe('one');
  await expect.poll(() => thread.run(echo('two'))).toBe('two');
  await thread.close();
  expect(await thread.run(echo('three'))).toBe('three');
});
