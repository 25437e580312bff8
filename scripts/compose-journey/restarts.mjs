/** Restarts each container of the stack in turn while clients go on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { check, until } from './engine.mjs';
import { containersOf } from './stack.mjs';
import { startLoad } from './load.mjs';

/** Those that have no second one: while it restarts, a repetition may come too early. */
const single = ['proxy', 'postgres'];

export async function restartAll(tools, load) {
  const { text, say } = tools;
  const running = startLoad({ ...load, say });
  await sleep(3_000);
  for (const service of ['api', 'worker', 'temporal', 'temporal-ui', 'postgres', 'proxy']) {
    running.begin(service);
    for (const id of await containersOf(service, tools)) {
      await text('docker', ['restart', '--time', '30', id]);
      await until(`${service} ready after its restart`, () => isReady(service, id, tools));
    }
    await sleep(1_000);
  }
  running.begin('after');
  await sleep(5_000);
  const phases = await running.stop();
  for (const { name, done, failed, wrongBytes } of phases) {
    check(wrongBytes === 0, `${wrongBytes} wrong bytes (${name})`);
    check(done > 0, `nothing was done (${name})`);
    if (!single.includes(name)) check(failed.length === 0, `${name}: failed although repeated: ${failed[0]}`);
  }
}

/** What the health check of the service says, asked at once and not at the engine's next turn. */
async function isReady(service, id, { text }) {
  const [{ State, Config }] = JSON.parse(await text('docker', ['inspect', id], { secret: true }));
  if (State.Status !== 'running') return false;
  const [kind, ...command] = Config.Healthcheck?.Test ?? ['NONE'];
  if (kind === 'NONE') return true;
  await text('docker', ['exec', id, ...(kind === 'CMD-SHELL' ? ['sh', '-c', ...command] : command)]);
  return true;
}
