/** Pulls, questions and syncs that go on while everything is restarted, each repeated once if it fails, as clients do. */
import { setTimeout as sleep } from 'node:timers/promises';

const pullers = 3;
const retryAfterMs = 3_000;

export function startLoad({ client, repositoryId, basePath, tags, digests, say }) {
  const signal = { stopped: false };
  const phases = [];
  let phase;

  function begin(name) {
    phase = { name, done: 0, repeated: 0, failed: [], wrongBytes: 0 };
    phases.push(phase);
  }

  /** One operation, counted in the phase in which it began. */
  async function operate(operation) {
    const counted = phase;
    for (const attempt of [1, 2]) {
      try {
        await operation();
        counted.done += 1;
        return;
      } catch (error) {
        if (error.wrongBytes) counted.wrongBytes += 1;
        if (attempt === 2) return void counted.failed.push(error.message.slice(0, 200));
        counted.repeated += 1;
        await sleep(retryAfterMs);
      }
    }
  }

  async function pullOne(number) {
    const tag = tags[number % tags.length];
    const digest = await client.pull(basePath, tag);
    if (digest !== digests.get(tag))
      throw Object.assign(new Error(`${tag} is ${digest}`), { wrongBytes: true });
  }

  async function ask() {
    await client.query('{ repositories(first: 5) { nodes { name } } }');
  }

  async function syncOnce() {
    await client.sync(repositoryId).catch((error) => {
      // The sync of the first attempt may go on, although its answer was lost.
      if (error.code !== 'SYNC_ALREADY_RUNNING') throw error;
    });
  }

  async function repeat(operation, pauseMs) {
    for (let number = 0; !signal.stopped; number += 1) {
      await operate(() => operation(number));
      await sleep(pauseMs);
    }
  }

  begin('before');
  const loops = [
    ...Array.from({ length: pullers }, (_, index) =>
      repeat((number) => pullOne(number * pullers + index), 50),
    ),
    repeat(ask, 200),
    repeat(syncOnce, 1_000),
  ];
  return {
    begin,
    async stop() {
      signal.stopped = true;
      await Promise.all(loops);
      for (const { name, done, repeated, failed, wrongBytes } of phases)
        say(
          `   ${name.padEnd(14)} ${String(done).padStart(5)} done, ${repeated} repeated, ${failed.length} failed, ${wrongBytes} with wrong bytes`,
        );
      return phases;
    },
  };
}
